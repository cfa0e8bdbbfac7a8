"""Cuts the text of a reply, while it comes from a model, into clauses that can be spoken. The first one is short.

A clause ends where a speaker would breathe: at a full stop, a question mark or a line break, and also at a comma or a
dash when there is enough text to speak. Scripts that have marks of their own for these end clauses with them. Markdown,
emoji, links and code are only for the eye and are left out. Where a clause ends depends on the text alone, never on how
the model cuts the text into deltas.
"""

import re

FIRST_CHARS = 8
"""The shortest first clause that may end at a comma: about 0.7 s of speech, enough time to make the next clause."""
CLAUSE_CHARS = 60
"""The shortest later clause that may end at a comma. Longer clauses are better, because whole sentences have better
prosody."""
MAX_CHARS = 240
"""The longest clause. A text without any mark is cut at a space here, so that speech never waits for more than ~15 s of
text."""

_STOPS = "。！？．।॥؟۔։።፧។။"
"""Marks that end a sentence, with or without a space after them: Chinese and Japanese, Devanagari, Arabic and Urdu,
Armenian, Ethiopic, Khmer, Burmese."""
_COMMAS = "，、；：၊፣"
"""Commas and the like of those scripts that need no space after them."""
_END = re.compile(
    rf"(?P<sentence>[.!?…]+[\"')\]*_]*(?=\s)|[{_STOPS}]|\n)"
    rf"|(?P<breath>[,;:،؛][\"')\]*_]*(?=\s)|[{_COMMAS}]|\s[–—-](?=\s))|(?=(?P<code>```))"
)
_SYLLABLE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Characters that are whole syllables: they take about twice as long as a letter of an alphabet, or longer."""
_ABBREVIATIONS = (
    r"mr|mrs|ms|dr|st|vs|e\.g|i\.e|approx|tel|prof"
    r"|nr|hr|fr|\w*str|ca|bzw|bspw|inkl|exkl|zzgl|evtl|ggf|vgl|mrd"  # German
    r"|bijv|dhr|mevr|mw|drs|incl|excl|evt"  # Dutch
    r"|mme|mlle|p\. ?ex|env|bd|tél"  # French
    r"|sr|sra|srta|núm|avda|aprox|p\. ?ej"  # Spanish
    r"|(?-i:Sig)|sigg|dott|ing|(?:ad|per) es"  # Italian
    r"|(?-i:Dra)|exmo|exma|av|por ex"  # Portuguese
)
"""Abbreviations that rarely end a sentence. All languages share them: which one the text is in is not known here.
In small letters, "sig" and "dra" are words of Swedish."""
_ABBREVIATION = re.compile(rf"\b(?:{_ABBREVIATIONS}|[A-HJ-Z])\.\Z", re.IGNORECASE)
_NUMBER_SIGN = re.compile(r"\bno\.\Z", re.IGNORECASE)
_CODE = re.compile(r"```.*?```", re.DOTALL)
_UNSPEAKABLE = re.compile(
    r"```.*?```|https?://\S+|!?\[(?P<label>[^\]]*)\]\([^)]*\)"
    r"|(?P<edge>(?<![^\W_])[*_`~]++|[*_`~]++(?![^\W_]))|[*_`#>|~]+|[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F\u200D]",
    re.DOTALL,
)


class Clauses:
    """Cuts the text of one reply."""

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
        """The text is complete: returns the last clause, if there is one."""
        clause, self._rest = speakable(self._rest), ""
        return [clause] if clause else []

    def _end(self) -> int | None:
        """Where the next clause ends, or None while that is not known."""
        if self._rest.startswith("```"):
            code = _CODE.match(self._rest)
            return code.end() if code else None  # of any length, because code is not spoken
        least = FIRST_CHARS if self._first else CLAUSE_CHARS
        for match in _END.finditer(self._rest):
            if match.end() > MAX_CHARS:
                break
            if match["breath"]:
                if _length(self._rest[: match.end()]) >= least:
                    return match.end()
            elif match["sentence"] and (goes_on := self._goes_on(match.end())) is not False:
                if goes_on is None:
                    return None
            else:
                return match.end()
        return self._cut() if len(self._rest) >= MAX_CHARS + len("```") else None

    def _goes_on(self, end: int) -> bool | None:
        """Whether the sentence goes on after a full stop at `end`, because that ends an abbreviation.

        None while that is not known.
        """
        text = self._rest[:end].rstrip("\"')]*_")
        if not _NUMBER_SIGN.search(text):
            return bool(_ABBREVIATION.search(text))
        after = self._rest[end:].lstrip()
        return after[0].isdigit() if after else None

    def _cut(self) -> int:
        space = self._rest.rfind(" ", 0, MAX_CHARS)
        return space if space > 0 else MAX_CHARS


def _length(text: str) -> int:
    """How long it takes to say `text`, in letters of an alphabet."""
    return len(text) + len(_SYLLABLE.findall(text))


def speakable(text: str) -> str:
    """`text` without what is only for the eye, with single spaces; "" when there is nothing to speak."""
    spoken = " ".join(_UNSPEAKABLE.sub(lambda match: match["label"] or ("" if match["edge"] else " "), text).split())
    return spoken if re.search(r"\w", spoken) else ""
