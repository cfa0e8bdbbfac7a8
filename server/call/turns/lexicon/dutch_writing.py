"""Words of Dutch: what people say, in one way of writing, so that words can be compared.

It does for Dutch what `english_writing.py` does for English. Figures are read with "één" for 1, because "een" is mostly
the article.
"""

from server.call.turns.lexicon.compound_numbers import NumberWords
from server.call.turns.lexicon.writing import in_one_writing, writings

NUMBERS = NumberWords(
    small=tuple(
        "nul één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien "
        "achttien negentien".split()
    ),
    tens=tuple("twintig dertig veertig vijftig zestig zeventig tachtig negentig".split()),
    before_tens=tuple("eenen tweeën drieën vieren vijfen zesen zevenen achten negenen".split()),
    hundred="honderd",
    thousand="duizend",
    after_thousand=" ",
    point="komma",
)
_WITH_FIGURES = writings(
    (r"(?<=\d)\.(?=\d{3}(?!\d))", ""),  # 1.200
    (r"\b(\d\d?)(?::00\b(?: ?uur\b)?|[.:]00 ?uur\b)", r"\1 uur"),  # 10:00, 10.00 uur
    (r"\b(\d\d?)(?::0?(\d\d?)\b(?: ?uur\b)?|[.:]0?(\d\d?) ?uur\b)", r"\1 uur \2\3"),  # 9:05, 10.30 uur
    (r"€ ?(\d+(?:,(?:\d\d|-))?)", r"\1 €"),
    (r"(\d),(?:-|00\b) ?(?:€|euro\b)", r"\1 euro"),
    (r"(\d+),(\d\d) ?(?:€|euro\b)", r"\1 euro \2"),  # 12,50 euro
    (r"(?<=\d) ?€", " euro"),
    (r"(?<![\d,])(\d+),(\d+)(?!,?\d)", r"\1 komma \2"),  # 3,5 but not 4,2,7,1
    (r"(?<=\d) ?[x*×] ?(?=\d)", " keer "),
    (r"(?<=\d) ?÷ ?(?=\d)|(?<=\d) / (?=\d)", " gedeeld door "),
    (r"(?<=\d) ?\+|\+ ?(?=\d)", " plus "),
    (r"(?<=\d) +- ?(?=\d)|(?<!\S)-(?=\d)", " min "),
    (r"(?<=\d)°", " graden"),
)
"""What is written with figures in place of words."""
_WITH_LETTERS = writings(
    (r"ĳ", "ij"),
    (r"%", " procent "),
    (r"=", " is "),
    (r"&", " en "),
    (r"\b(?:bijv|bv)\.", "bijvoorbeeld"),
    (r"\b(?:a\.u\.b\.|s\.v\.p\.|aub\b|svp\b)", "alstublieft"),
    (r"\bnr\.", "nummer"),
    (r"\bdr\.", "dokter"),
    (r"\bmevr?\.", "mevrouw"),
    (r"\bdhr\.", "de heer"),
    (r"\bca\.", "circa"),
    (r"\bo\. ?k\b\.?|\bok\b|\bok(?:e|ee|ay)\b", "oké"),
    (r"\b(?:eu|e|u)h+\b|\beuh+\b", "eh"),
    (r"\b(?:eu|e|u)h*m+\b", "ehm"),
    (r"\bhm{2,}\b", "hm"),
    (r"\bm+[ -]?h+m+\b", "mhm"),
    (r"\boh+\b|\bo\b(?=,)", "oh"),
    (r"\bja{2,}\b", "ja"),
    (r"(?<!\w)'t\b", "het"),
    (r"(?<!\w)'n\b", "een"),
    (r"(?<!\w)'k\b", "ik"),
    (r"\bm'n\b", "mijn"),
    (r"\bz'n\b", "zijn"),
    (r"\bda's\b", "dat is"),
    (r"\bdank(je|u)wel\b", r"dank \1 wel"),
    (r"\bzeuven", "zeven"),
    (rf"\b(twee|drie)e(?=n(?:{'|'.join(NUMBERS.tens)}))", r"\1ë"),
    (r"(?<=honderd)een\b", "één"),
    (r"\been(?=honderd|duizend)", ""),
    (rf"\bdubbel(?={'|'.join(NUMBERS.small[:10])})", "dubbel "),
)
"""What is written in more than one way without figures."""


def words_of(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, with numbers as they are written: "10:30 uur" has the words 10, uur, 30."""
    return in_one_writing(text, _WITH_FIGURES, _WITH_LETTERS)


def spoken(text: str) -> tuple[str, ...]:
    """The words of `text` as they were said, with numbers in words too: "4271" is vier, twee, zeven, één."""
    return NUMBERS.spoken(words_of(text))
