"""Synthetic callers of other languages, by voices of eSpeak NG."""

from bench.pauses import corpus_french, corpus_german, corpus_spanish
from bench.pauses.corpus import ScriptedUtterance, scripted
from server.call.turns.lexicon.choice import lexicon_of
from server.errors import ConfigError

_CORPORA = {"de": corpus_german, "fr": corpus_french, "es": corpus_spanish}
_VARIANTS = ("", "+f2", "+m3", "+f4", "+m7")


def corpus_in(language: str) -> list[ScriptedUtterance]:
    """All utterances in this language. Raises ConfigError when there are none."""
    if language not in _CORPORA:
        raise ConfigError(f"there are no synthetic callers who speak {language}; there are: en, {', '.join(_CORPORA)}")
    lines = _CORPORA[language]
    voices = [f"{language}{variant}" for variant in _VARIANTS]
    return scripted(lines.LINES, voices, lines.ASKED, lexicon_of(language), rounds=1)
