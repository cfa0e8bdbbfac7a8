"""Only lexicons have lists of the words of a language."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.rooms import FILES, ROOT

MOST_WORDS = 7
"""How many words of a language may stand together outside of the lexicons."""
WORDS_ALLOWED = {
    "server/config.py": "names of settings",
    "server/speech/clauses.py": "abbreviations in what the agent says, whose full stop ends no clause",
    "server/speech/speakable.py": "names of HTML tags",
    "server/speech/spoken_unit.py": "units, as the agent says them",
    "server/speech/spoken_address.py": "ends of the names of sites",
    "signaling/sip/message.py": "names of headers",
    "signaling/realtime/session_config.py": "OpenAI's names of the fields of a session",
    "signaling/openai/formats.py": "OpenAI's names of voices",
    "server/cluster/speech/names.py": "OpenAI's names of voices",
    "signaling/live/delegations.py": "OpenAI's names of the fields of a response",
    "server/speech/languages.py": "OpenAI's names of languages",
    "server/speech/number_length.py": "digits as speech-to-text writes them, to choose among its hypotheses",
    "server/speech/engines/phrase_language.py": "PocketSphinx hears English only; it needs other numbers in phrases",
}
"""Files with more words, which are not for judging turns."""
WORD = re.compile(r"[^\W\d_]+(?:['’ -][^\W\d_]+)*")


def word_lists(code: ast.Module) -> Iterator[list[str]]:
    """The lower-case words that stand together in a collection, in a text that is split, or in a pattern."""
    for node in ast.walk(code):
        texts: list[object] = []
        if isinstance(node, ast.Set | ast.List | ast.Tuple):
            texts = [member.value for member in node.elts if isinstance(member, ast.Constant)]
        elif isinstance(node, ast.Dict):
            texts = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        elif isinstance(node, ast.Attribute) and node.attr == "split" and isinstance(node.value, ast.Constant):
            texts = [*str(node.value.value).split()]
        elif isinstance(node, ast.Constant) and "|" in str(node.value):
            texts = [*re.split(r"[|()]", str(node.value))]
        found = [text.strip() for text in texts if isinstance(text, str)]
        yield [text for text in found if text.islower() and WORD.fullmatch(text)]


def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def test_lexicons_alone_know_words() -> None:
    """What judges turns by words asks a lexicon, so that every language is judged by its own words.

    The demo is a model of one language, and may know its words.
    """
    rooms = ("server/call/turns/lexicon/", "server/agent/demo/")
    knowing = {path for path in FILES if any(len(words) > MOST_WORDS for words in word_lists(_tree(path)))}
    assert {path for path in knowing if not path.startswith(rooms)} == set(WORDS_ALLOWED)


@pytest.mark.parametrize(
    "code",
    [
        "{'ja', 'nein', 'doch', 'gut', 'genau', 'stimmt', 'na klar', 'eben'}",
        "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']",
        "dict(und=1); {'und': 1, 'oder': 2, 'aber': 3, 'denn': 4, 'weil': 5, 'wenn': 6, 'dass': 7, 'ob': 8}",
        "'ja nein doch gut genau stimmt klar eben'.split()",
        "re.compile(r'^(?:so )?(oui|non|si|bon|bien|voilà|merci|d’accord)$')",
    ],
)
def test_a_list_of_words_is_found(code: str) -> None:
    """The rule above finds words in collections, in texts that are split, and in patterns, in any language."""
    assert max(map(len, word_lists(ast.parse(code)))) > MOST_WORDS
