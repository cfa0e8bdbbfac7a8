"""Tables of sentences, for the tests of lexicons."""

import unicodedata
from collections.abc import Iterator

from server.call.turns.lexicon.lexicon import Completeness


def rows(table: str) -> list[str]:
    """The texts in a table, in which "|" and line ends separate them."""
    return [text.strip() for line in table.strip().splitlines() for text in line.split("|")]


def kinds(**tables: str) -> Iterator[tuple[str, Completeness]]:
    """Each text of the tables with its kind, which is the name of its table."""
    for name, table in tables.items():
        yield from ((text, Completeness(name)) for text in rows(table))


def writings(text: str) -> list[str]:
    """`text` as different engines write it: with capitals, a full stop, a curly apostrophe, or parted accents."""
    return [
        text.capitalize() + ("" if text.endswith((".", "?", "!", ",", "…", "-")) else "."),
        text.upper(),
        text.replace("'", "’"),
        unicodedata.normalize("NFD", text),
    ]
