"""Addresses of mail and names of sites, as people say them: "anna.b@example.org" is "anna dot b at example dot org".

Some voices leave the marks out, and nobody can write down what is heard then.
"""

import re
from functools import partial

_WORDS = {
    "en": {"@": "at", ".": "dot", "_": "underscore", "-": "dash", "+": "plus"},
    "de": {"@": "ät", ".": "Punkt", "_": "Unterstrich", "-": "Bindestrich", "+": "plus"},
    "fr": {"@": "arobase", ".": "point", "_": "tiret bas", "-": "tiret", "+": "plus"},
    "es": {"@": "arroba", ".": "punto", "_": "guion bajo", "-": "guion", "+": "más"},
    "it": {"@": "chiocciola", ".": "punto", "_": "trattino basso", "-": "trattino", "+": "più"},
    "nl": {"@": "apenstaartje", ".": "punt", "_": "laag streepje", "-": "streepje", "+": "plus"},
    "pt": {"@": "arroba", ".": "ponto", "_": "sublinhado", "-": "hífen", "+": "mais"},
}
_MAIL = re.compile(r"(?<![\w@.+-])\w[\w.+-]{0,63}@\w[\w-]*(?:\.\w[\w-]*)+(?![\w@])")
_SITE = re.compile(
    r"(?<![\w@./-])(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+(?:com|org|net|info|eu|io|edu|gov|de|at|ch|fr|be|es|it|nl|pt|uk|us|br|example)"
    r"(?![\w@/-]|\.\w)"
)
_MARK = re.compile(r"[@._+-]")


def addresses_spoken(text: str, language: str) -> str:
    """`text` with its addresses as they are said in `language`, one of those of this file."""
    return _SITE.sub(partial(_said, language), _MAIL.sub(partial(_said, language), text))


def _said(language: str, found: re.Match[str]) -> str:
    return " ".join(_MARK.sub(lambda mark: f" {_WORDS[language][mark.group()]} ", found.group()).split())
