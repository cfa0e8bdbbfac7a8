"""Cuts the text of a reply, while it comes from a model, into clauses that can be spoken. The first one is short.

A clause ends where a speaker would breathe: at a full stop, a question mark or a line break, and also at a comma or a
dash when there is enough text to speak. Scripts that have marks of their own for these end clauses with them. What is
only for the eye is left out (speakable.py). Where a clause ends depends on the text alone, never on how the model cuts
the text into deltas.
"""

import re

from server.speech.speakable import speakable

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
_SENTENCE = re.compile(rf"(?:[.!?…]+[\"')\]*_]*|[{_STOPS}]|\n)\s*\Z")
"""The end of a text that is a whole sentence."""
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
_MONTHS = (
    "Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    "|Jan|Jän|Feb|Mär|Mrz|Apr|Jun|Jul|Aug|Sept?|Okt|Nov|Dez"
)
_IF_FOLLOWED = tuple(
    (re.compile(rf"{sign}\.\Z", re.IGNORECASE), re.compile(follows), re.compile(undecided))
    for sign, follows, undecided in (
        (r"\bno", r"\d", r"\Z"),
        (
            r"\b(?:jan|jän|feb|mar|mär|apr|jun|jul|aug|sept?|oct|okt|nov|dec|dez"
            r"|janv|févr?|avr|juil|déc|ene|abr|ago|dic|gen|giu|lug|ott|mrt|fev)",
            r"\d",
            r"\Z",
        ),
        (r"\d ?(?:min|ft|in|lbs?|oz|sec|hrs?|h|km|kg)", r"[^\W\d_A-Z]", r"\Z"),
        (r"\b(?:etc|inc|ltd|corp|jr|usw|enz)", r"[^\W\d_A-Z]", r"\Z"),
        (r"(?<![\d.,])\d\d?", rf"(?:{_MONTHS})\b", r"(?:[JFMASOND]\w*)?\Z"),
    )
)
"""What ends a sentence, unless a certain text comes after it: abbreviations, and German days of a month. The last of
each three is the text with which that is not decided yet."""
_DAY_OF_YEAR = re.compile(
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|\b(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?) \d\d?(?:st|nd|rd|th)?,\Z",
    re.IGNORECASE,
)
"""A day in English, before a year."""
_YEAR, _MAYBE_YEAR = re.compile(r"\d{4}\b"), re.compile(r"\d{0,4}\Z")
_SPACE = re.compile(r"(?<!\d) (?!\d)")
"""A space that is not inside a number, a date, or a measure."""
_ENTRY = re.compile(r"\d\d?\.\Z")
"""The number of an entry in a list."""
_CODE = re.compile(r"```.*?```", re.DOTALL)
_IN_LINK = re.compile(r"\[[^\]\n]*\Z|\[[^\]\n]*\]\([^)\s]*\Z")
"""An end that is inside the text or the address of a link."""


def ends_whole(text: str) -> bool:
    """Whether a text ends with the end of a sentence."""
    return bool(_SENTENCE.search(text))


class Clauses:
    """Cuts the text of one reply."""

    def __init__(self) -> None:
        self._rest = ""
        self._in_line = False
        """The rest begins in the middle of a line."""
        self._first = True
        self._given = 0
        """How many clauses were returned."""
        self._in_sentences = 0
        """How many of them belong to sentences that are complete."""

    @property
    def begun(self) -> bool:
        """There is the beginning of a clause."""
        return bool(self._rest)

    def receive(self, delta: str) -> list[str]:
        """Add text; returns the clauses that it completes."""
        self._keep(self._rest + delta)
        clauses = []
        while (end := self._end()) is not None:
            text, rest = self._rest[:end], self._rest[end:]
            clause = speakable(text, self._in_line)
            self._in_line = not text.endswith("\n")
            self._keep(rest)
            if clause:
                clauses.append(clause)
                self._first = False
                self._given += 1
            if _SENTENCE.search(text):
                self._in_sentences = self._given
        return clauses

    def finish(self) -> list[str]:
        """The text is complete: returns the last clause, if there is one."""
        clause, self._rest = speakable(self._rest, self._in_line), ""
        return [clause] if clause else []

    def break_off(self) -> tuple[list[str], int]:
        """The text is complete, but somebody stopped its writer.

        Returns the last clause, if there is one, and how many clauses of the whole text, that one included, are to be
        said. These are whole sentences; but when the text has none, they are all clauses.
        """
        whole = bool(_SENTENCE.search(self._rest))
        last = self.finish()
        given = self._given + len(last)
        return last, given if whole else self._in_sentences or given

    def _keep(self, text: str) -> None:
        """Keep `text` as the rest, without the space before it."""
        self._rest = text.lstrip()
        if "\n" in text[: len(text) - len(self._rest)]:
            self._in_line = False

    def _end(self) -> int | None:
        """Where the next clause ends, or None while that is not known."""
        if self._rest.startswith("```"):
            code = _CODE.match(self._rest)
            return code.end() if code else None  # of any length, because code is not spoken
        least = FIRST_CHARS if self._first else CLAUSE_CHARS
        for match in _END.finditer(self._rest[: MAX_CHARS + len("```")]):  # no more of a long text, again and again
            if match.end() > MAX_CHARS:
                break
            if match["breath"]:
                said = self._rest[: match.end()]
                if _DAY_OF_YEAR.search(said):
                    after = self._rest[match.end() :].lstrip()
                    if _MAYBE_YEAR.match(after):
                        return None
                    if _YEAR.match(after):
                        continue
                if _length(said) >= least and not _IN_LINK.search(said):
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
        text, after = self._rest[:end].rstrip("\"')]*_"), self._rest[end:].lstrip()
        if _ABBREVIATION.search(text) or (not self._in_line and _ENTRY.fullmatch(text)):
            return True
        for sign, follows, undecided in _IF_FOLLOWED:
            if sign.search(text):
                return None if undecided.match(after) else bool(follows.match(after))
        return False

    def _cut(self) -> int:
        spaces = [space.start() for space in _SPACE.finditer(self._rest[: MAX_CHARS + 1], 1)]
        spaces = [space for space in spaces if space < MAX_CHARS]
        space = spaces[-1] if spaces else self._rest.rfind(" ", 0, MAX_CHARS)
        return space if space > 0 else MAX_CHARS


def _length(text: str) -> int:
    """How long it takes to say `text`, in letters of an alphabet."""
    return len(text) + len(_SYLLABLE.findall(text))
