"""Which lexicon serves a language."""

from server.call.turns.lexicon.dutch import DUTCH
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.lexicon.german import GERMAN
from server.call.turns.lexicon.lexicon import Lexicon
from server.call.turns.lexicon.neutral import NEUTRAL

_LEXICONS: dict[str, Lexicon] = {"en": ENGLISH, "de": GERMAN, "nl": DUTCH}
"""By the language subtag of BCP 47."""


def lexicon_of(language: str) -> Lexicon:
    """The lexicon for a language tag (BCP 47), such as "en-GB"; the neutral one where no other serves."""
    return _LEXICONS.get(language.lower().replace("_", "-").partition("-")[0], NEUTRAL)
