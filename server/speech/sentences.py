"""Text as it comes from a model → clauses that can be spoken, the first one short.

A clause ends where a speaker would breathe: at a full stop, a question mark, a line break; at a comma or a dash once
there is enough to speak. Marks that are for the eye (Markdown, emoji, links, code) are left out. Where a clause ends
depends on the text alone, never on how it was cut into deltas.
"""

import re

FIRST_CHARS = 8
"""The first clause may end at a comma after so many characters: about 0.7 s of speech, enough to make the next in."""
CLAUSE_CHARS = 60
"""Later clauses end at commas only when they are this long: prosody is better over whole sentences."""
MAX_CHARS = 240
"""A text without any mark is cut at a space here, so that speech never waits for more than ~15 s of text."""

_END = re.compile(
    r"(?P<sentence>[.!?…]+[\"')\]*_]*(?=\s)|[。！？]|\n)|(?P<breath>[,;:][\"')\]*_]*(?=\s)|\s[–—-](?=\s))|(?=(?P<code>```))"
)
_ABBREVIATION = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|vs|e\.g|i\.e|approx|tel)|\b[A-HJ-Z])\.\Z", re.IGNORECASE)
_NUMBER_SIGN = re.compile(r"\bno\.\Z", re.IGNORECASE)
_CODE = re.compile(r"```.*?```", re.DOTALL)
_UNSPEAKABLE = re.compile(
    r"```.*?```|https?://\S+|!?\[(?P<label>[^\]]*)\]\([^)]*\)"
    r"|(?P<edge>(?<![^\W_])[*_`~]++|[*_`~]++(?![^\W_]))|[*_`#>|~]+|[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F\u200D]",
    re.DOTALL,
)


class Clauses:
    """Cuts one answer."""

    def __init__(self) -> None:
        self._rest = ""
        self._first = True

    def receive(self, delta: str) -> list[str]:
        """Add text; returns the clauses that it completes."""
        self._rest = (self._rest + delta).lstrip()
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
        if self._rest.startswith("```"):
            code = _CODE.match(self._rest)
            return code.end() if code else None  # however long: code is one thing, and none of it is spoken
        least = FIRST_CHARS if self._first else CLAUSE_CHARS
        for match in _END.finditer(self._rest):
            if match.end() > MAX_CHARS:
                break
            if match["breath"]:
                if match.end() >= least:
                    return match.end()
            elif match["sentence"] and (goes_on := self._goes_on(match.end())) is not False:
                if goes_on is None:
                    return None
            else:
                return match.end()
        return self._cut() if len(self._rest) >= MAX_CHARS + len("```") else None

    def _goes_on(self, end: int) -> bool | None:
        """Whether the full stop that ends there belongs to an abbreviation; None while that is not known."""
        text = self._rest[:end].rstrip("\"')]*_")
        if not _NUMBER_SIGN.search(text):
            return bool(_ABBREVIATION.search(text))
        after = self._rest[end:].lstrip()
        return after[0].isdigit() if after else None

    def _cut(self) -> int:
        space = self._rest.rfind(" ", 0, MAX_CHARS)
        return space if space > 0 else MAX_CHARS


def speakable(text: str) -> str:
    """`text` without what is for the eye only; white space is folded. "" when nothing can be said."""
    spoken = " ".join(_UNSPEAKABLE.sub(lambda match: match["label"] or ("" if match["edge"] else " "), text).split())
    return spoken if re.search(r"\w", spoken) else ""
