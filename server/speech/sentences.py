"""Text as it comes from a model → clauses that can be spoken, the first one short.

A clause ends where a speaker would breathe: at a full stop, a question mark, a line break; at a comma or a dash once
there is enough to speak. Marks that are for the eye (Markdown, emoji, links) are left out.
"""

import re

FIRST_CHARS = 12
"""The first clause may end at a comma after so many characters: about 0.7 s of speech, enough to make the next in."""
CLAUSE_CHARS = 60
"""Later clauses end at commas only when they are this long: prosody is better over whole sentences."""
MAX_CHARS = 240
"""A text without any mark is cut at a space here, so that speech never waits for more than ~15 s of text."""

_SENTENCE_END = re.compile(r"[.!?…]+[\"')\]]*(?=\s)|\n+")
_BREATH = re.compile(r"[,;:][\"')\]]*(?=\s)|\s[–—-](?=\s)")
_ABBREVIATION = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|no|vs|e\.g|i\.e|approx|tel)|\b[A-Za-z])\.$", re.IGNORECASE)
_UNSPEAKABLE = re.compile(
    r"```.*?```|https?://\S+|!?\[(?P<label>[^\]]*)\]\([^)]*\)|[*_`#>|~]+|[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F\u200D]",
    re.DOTALL,
)


class Clauses:
    """Cuts one answer."""

    def __init__(self) -> None:
        self._rest = ""
        self._first = True

    def receive(self, delta: str) -> list[str]:
        """Add text; returns the clauses that it completes."""
        self._rest += delta
        clauses = []
        while (end := self._end()) is not None:
            clause, self._rest = speakable(self._rest[:end]), self._rest[end:].lstrip()
            if clause:
                clauses.append(clause)
                self._first = False
        return clauses

    def finish(self) -> list[str]:
        """The text is complete; returns what is left of it."""
        clause, self._rest = speakable(self._rest), ""
        return [clause] if clause else []

    def _end(self) -> int | None:
        """Where the first clause of the rest ends, or None while that is not known."""
        for match in _SENTENCE_END.finditer(self._rest):
            if not _ABBREVIATION.search(self._rest[: match.end()].rstrip("\"')]")):
                return match.end() if match.end() <= MAX_CHARS else self._cut()
        least = FIRST_CHARS if self._first else CLAUSE_CHARS
        for match in _BREATH.finditer(self._rest):
            if least <= match.end() <= MAX_CHARS:
                return match.end()
        return self._cut() if len(self._rest) > MAX_CHARS else None

    def _cut(self) -> int:
        space = self._rest.rfind(" ", 0, MAX_CHARS)
        return space if space > 0 else MAX_CHARS


def speakable(text: str) -> str:
    """`text` without what is for the eye only; white space is folded. "" when nothing can be said."""
    spoken = " ".join(_UNSPEAKABLE.sub(lambda match: match["label"] or " ", text).split())
    return spoken if re.search(r"\w", spoken) else ""
