"""Words of German: what people say, in one way of writing, so that words can be compared.

It does for German what `english_writing.py` does for English. "ß" is read as "ss", as it is written in Switzerland.
"""

from server.call.turns.lexicon.compound_numbers import NumberWords
from server.call.turns.lexicon.writing import in_one_writing, writings

NUMBERS = NumberWords(
    small=tuple(
        "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
        "siebzehn achtzehn neunzehn".split()
    ),
    tens=tuple("zwanzig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig".split()),
    before_tens=tuple("einund zweiund dreiund vierund fünfund sechsund siebenund achtund neunund".split()),
    hundred="hundert",
    thousand="tausend",
    after_thousand="",
    point="komma",
)
_WITH_FIGURES = writings(
    (r"(?<=\d)\.(?=\d{3}(?!\d))", ""),  # 1.200
    (r"\b(\d\d?)(?::00\b(?: ?uhr\b)?|[.:]00 ?uhr\b)", r"\1 uhr"),  # 10:00, 10.00 Uhr
    (r"\b(\d\d?)(?::0?(\d\d?)\b(?: ?uhr\b)?|[.:]0?(\d\d?) ?uhr\b)", r"\1 uhr \2\3"),  # 9:05, 10.30 Uhr
    (r"€ ?(\d+(?:,\d\d)?)", r"\1 €"),
    (r"(\d),(?:-|00\b) ?(?:€|euro\b)", r"\1 euro"),
    (r"(\d+),(\d\d) ?(?:€|euro\b)", r"\1 euro \2"),  # 12,50 Euro
    (r"(?<=\d) ?€", " euro"),
    (r"(?<![\d,])(\d+),(\d+)(?!,?\d)", r"\1 komma \2"),  # 3,5 but not 4,2,7,1
    (r"(?<=\d) ?[x*×] ?(?=\d)", " mal "),
    (r"(?<=\d) ?÷ ?(?=\d)|(?<=\d) / (?=\d)", " geteilt durch "),
    (r"(?<=\d) ?\+|\+ ?(?=\d)", " plus "),
    (r"(?<=\d) +- ?(?=\d)|(?<!\S)-(?=\d)", " minus "),
    (r"(?<=\d)°", " grad"),
)
"""What is written with figures in place of words."""
_WITH_LETTERS = writings(
    (r"ß", "ss"),
    (r"%", " prozent "),
    (r"=", " gleich "),
    (r"&", " und "),
    (r"\bz\. ?b\.", "zum beispiel"),
    (r"\bnr\.", "nummer"),
    (r"\bdr\.", "doktor"),
    (r"\bca\.", "circa"),
    (r"\bbzw\.", "beziehungsweise"),
    (r"\bo\. ?k\b\.?|\bok\b|\bokee\b", "okay"),
    (r"\bäh+\b|\böh+\b", "äh"),
    (r"\b[äöe]h*m+\b(?!-)", "ähm"),
    (r"\bhm{2,}\b", "hm"),
    (r"\bm+[ -]?h+m+\b", "mhm"),
    (r"\boh+\b", "oh"),
    (r"\bja{2,}\b", "ja"),
    (r"\b(geht|gibt|war|hab|bin|ist)s\b", r"\1's"),
    (r"\bzwo", "zwei"),
    (r"\bein(?=hundert|tausend)", ""),
    (rf"\bdoppel(?={'|'.join(NUMBERS.small[:10])})", "doppel "),
)
"""What is written in more than one way without figures."""


def words_of(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, with numbers as they are written: "10:30 Uhr" has the words 10, uhr, 30."""
    return in_one_writing(text, _WITH_FIGURES, _WITH_LETTERS)


def spoken(text: str) -> tuple[str, ...]:
    """The words of `text` as they were said, with numbers in words too: "4271" is vier, zwei, sieben, eins."""
    return NUMBERS.spoken(words_of(text))
