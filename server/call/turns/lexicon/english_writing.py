"""Words: what people say, in one way of writing, so that words can be compared.

Speech-to-text engines write the same words in different ways. One writes "what's ten percent of fifty", another one
"What’s 10% of 50?". Whatever compares words, or looks for them, asks here first. Captions and the history keep the
writing of the engine. Symbols and fillers are read as in English.
"""

import re
from functools import lru_cache

from server.call.turns.lexicon.writing import composed, rewritten, writings

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = tuple("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split())
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}

_MONEY = {"$": ("dollar", "cents"), "£": ("pound", "pence"), "€": ("euro", "cents")}
_AMOUNT = re.compile(r"([$£€])\s?(\d[\d,]*)(?:\.(\d\d)(?!\d))?(?:\s+(hundred|thousand|million|billion)\b)?")
_SYMBOLS = str.maketrans({"&": " and ", "=": " equals ", "÷": " divided by "})
_HOUR = r"\b(\d\d?)(?::|\.(?=\d\d\s*[ap]\.?\s?m\b))"
_AHEAD = r"(?=[$£€]?\d)"
_SIGNS = writings(
    (rf"(?<=\d)\s*[x*×]\s*{_AHEAD}", " times "),
    (rf"(?<=\d)\s*/\s+{_AHEAD}|(?<=\d)\s+/\s*{_AHEAD}", " divided by "),  # 80 / 4, but not 24/7
    (rf"(?<=\d)\s*\+|\+\s*{_AHEAD}", " plus "),
    (rf"(?<=\d)\s+-\s*{_AHEAD}|(?<!\S)-{_AHEAD}", " minus "),  # 100 - 40 and -5, but not 555-1234
)
"""Signs of arithmetic beside figures, also with a currency before them."""
_WITH_FIGURES = writings(
    (r"(?<=\d),(?=\d{3}(?!\d))", ""),  # 1,200
    (r"(?:\b(?:number|no\.?)\s*)?#\s*(?=\d)|(?<=\w )no\.\s*(?=\d)", "number "),  # order No. 12, but not "No. 12."
    (r"(?<=\d)\s?¢", " cents"),
    (rf"{_HOUR}00(?!\d)", r"\1"),  # 10:00
    (rf"{_HOUR}0(?=[1-9](?!\d))", r"\1 oh "),  # 9:05
    (r"(?<=\d)\s*([ap])\.?\s?m\b(?! i\b)\.?", r" \1 m "),  # 10am, 10 a.m.
    (r"(?<=\d)\.(?=\d\d [ap] m)", " "),  # 4.30 p.m.
    (r"(?<=\d)\.(?=\d)", " point "),
    (r"(?<=\d)(?!(?:st|nd|rd|th)\b)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", " "),  # 30ish, but not 24th
)
"""What is written with figures in place of words."""
_WITH_LETTERS = writings(
    (r"%", " percent "),
    (r"\bper cents?\b", "percent"),
    (r"\b([ap])\.\s?m\b\.?|\b(p)m\b", r"\1\2 m"),
    (rf"\b({'|'.join((*DIGITS, *TEENS, *TENS))}|o'clock)\s+am\b(?! i\b)", r"\1 a m"),  # ten am, but not: i am
    (r"\bo\. ?k\b\.?|\bok\b", "okay"),
    (r"\balright\b", "all right"),
    (r"\bgood-bye\b", "goodbye"),
    (r"\bu+m{2,}\b|\bu{2,}m\b|\bu+h+m+\b", "um"),
    (r"\bu+h{2,}\b|\bu{2,}h\b", "uh"),
    (r"\bhm{2,}\b", "hmm"),
    (r"\bm{3,}\b", "mmm"),
    (r"\bm+h+m+\b", "mhm"),
    (r"\bo+h+\b", "oh"),
)
"""What is written in more than one way without figures."""
_FIGURE = re.compile(r"\d")
_WORD = re.compile(r"\w+(?:'\w+)*")


@lru_cache(maxsize=128)
def words_of(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, with plain apostrophes and without punctuation.

    Symbols become words, and numbers stay in figures or in words as they are: "What’s 10% of $50?" has the words
    what's, 10, percent, of, 50, dollars. "4:30 p.m." has the words 4, 30, p, m. The results for the newest texts are
    kept, because turn-taking asks for the same ones at every frame.
    """
    text = composed(text).translate(_SYMBOLS)
    if _FIGURE.search(text):
        text = rewritten(text, _SIGNS)
        text = rewritten(_AMOUNT.sub(_amount, text), _WITH_FIGURES)
    return tuple(_WORD.findall(rewritten(text, _WITH_LETTERS)))


@lru_cache(maxsize=128)
def spoken(text: str) -> tuple[str, ...]:
    """The words of `text` as they were said, with numbers in words too: "4271" is four, two, seven, one.

    How a number was said is not known. It is read in the most usual way: up to three figures as one number, more of
    them figure by figure, unless they end in two zeros.
    """
    words = words_of(text)
    said: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        if not (word.isascii() and word.isdecimal()):
            said.append(word)
        elif before == "point" or _one_by_one(word):
            said += [DIGITS[int(figure)] for figure in word]
        else:
            said += say(int(word)).split()
    return tuple(said)


def say(value: int) -> str:
    """A whole number in words: 1205 is "one thousand two hundred and five"."""
    if value < 0:
        return "minus " + say(-value)
    if value < 20:
        return (DIGITS + TEENS)[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        return TENS[tens - 2] + (f" {DIGITS[rest]}" if rest else "")
    for name, scale in reversed(SCALES.items()):
        if value >= scale:
            head, rest = divmod(value, scale)
            joint = " and " if 0 < rest < 100 else " "
            return f"{say(head)} {name}{joint + say(rest) if rest else ''}"
    raise AssertionError("every number from 100 has a scale")


def _one_by_one(figures: str) -> bool:
    """Whether a number is rather said figure by figure than as one number."""
    return len(figures) > 1 and (figures[0] == "0" or len(figures) > 9 or (len(figures) > 3 and figures[-2:] != "00"))


def _amount(match: re.Match[str]) -> str:
    """Money as it is said: "$12.50" is 12 dollars and 50 cents."""
    whole, part = _MONEY[match[1]]
    many = "" if match[2] == "1" and not match[4] else "s"
    said = f" {match[2]} {match[4] or ''} {whole}{many} "
    return said if not match[3] or match[3] == "00" else f"{said}and {int(match[3])} {part} "
