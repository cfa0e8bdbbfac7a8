"""Which lexicon serves a language."""

from server.call.turns.lexicon.dutch import DUTCH
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.lexicon.french import FRENCH
from server.call.turns.lexicon.german import GERMAN
from server.call.turns.lexicon.italian import ITALIAN
from server.call.turns.lexicon.lexicon import Lexicon
from server.call.turns.lexicon.neutral import NEUTRAL
from server.call.turns.lexicon.portuguese import PORTUGUESE
from server.call.turns.lexicon.spanish import SPANISH

_LEXICONS: dict[str, Lexicon] = {
    "de": GERMAN,
    "en": ENGLISH,
    "es": SPANISH,
    "fr": FRENCH,
    "it": ITALIAN,
    "nl": DUTCH,
    "pt": PORTUGUESE,
}
"""By the language subtag of BCP 47."""


def lexicon_of(language: str) -> Lexicon:
    """The lexicon for a language tag (BCP 47), such as "en-GB"; the neutral one where no other serves."""
    return _LEXICONS.get(language.lower().replace("_", "-").partition("-")[0], NEUTRAL)
