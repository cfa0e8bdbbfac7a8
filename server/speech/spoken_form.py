"""How people say what is written in figures and signs, where voices say it badly: money, telephone numbers, ranges,
dates, times, units, addresses and, in German, days of a month.

A voice reads plain numbers and percentages well. Captions and the history keep the written form.
"""

import re
from functools import partial

from num2words import num2words

from server.speech.spoken_address import addresses_spoken
from server.speech.spoken_date import dates_spoken
from server.speech.spoken_time import times_spoken
from server.speech.spoken_unit import units_spoken

_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP"}
_AMOUNT = r"\d+(?:[.,]\d{3})*(?:[.,]\d{1,2})?(?![.,]?\d)"
_NOT_MORE = r"(?!\s?(?:[kmb]n?\b|mill|bill|mrd|mio|milj|mili|mil\b))"
"""Not "$5 million", and not "£5m"."""
_MONEY = re.compile(
    rf"(?:(?P<before>[$€£])\s?(?P<first>{_AMOUNT})|(?<![\d.,])(?P<last>{_AMOUNT})\s?(?P<after>[$€£])){_NOT_MORE}",
    re.IGNORECASE,
)
_TELEPHONE = re.compile(r"(?<![\w.,/-])\+?(?:\(\d+\)|\d+)(?:[ .-]?(?:\(\d+\)|\d+)){1,7}(?![\w/])(?![.,-]\d)")
_NO_TELEPHONE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"  # a date
    r"|[12]\d{3} ?- ?[12]\d{3}"  # from one year to another
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?: \d{3})+")
"""A large number as French writes it."""
_LEAST_DIGITS = 7
"""How many digits a telephone number has at least. Shorter numbers are read as numbers."""
_RANGE = re.compile(r"(?<![\w.,/:-])(\d{1,4}(?::\d\d)?)\s?[-–]\s?(\d{1,4}(?::\d\d)?)(?![\w/-]|[.,:]\d)")
_TO = {"en": "to", "de": "bis", "es": "a", "fr": "à", "it": "a", "nl": "tot", "pt": "a"}
_GERMAN_DAY = re.compile(
    r"\b(?P<case>(?:am|zum|vom|beim|den|dem|bis)\s)?(?P<day>\d{1,2})\.(?=\s(?:Jan|Jän|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez))"
)


def spoken_form(text: str, language: str) -> str:
    """`text` as it is said in `language` (BCP 47). In a language that is not known here it stays as it is."""
    tag = language.partition("-")[0].lower()
    if tag not in _TO:
        return text
    text = addresses_spoken(text, tag)
    if not re.search(r"\d", text):
        return text
    text = dates_spoken(text, language)
    text = _MONEY.sub(partial(_money, tag), text)
    text = units_spoken(_TELEPHONE.sub(partial(_telephone, tag), text), tag)
    if tag == "de":
        text = _GERMAN_DAY.sub(_german_day, text)
    return times_spoken(_RANGE.sub(rf"\1 {_TO[tag]} \2", text), tag)


def _money(language: str, found: re.Match[str]) -> str:
    currency = _CURRENCIES[found["before"] or found["after"]]
    amount = _amount(found["first"] or found["last"])
    if amount == int(amount):
        return str(num2words(amount, lang=language, to="currency", currency=currency, separator="|")).partition("|")[0]
    return str(num2words(amount, lang=language, to="currency", currency=currency))


def _amount(written: str) -> float:
    """The value of "1,234.56", "1.234,56" or "3,5". Three digits after a mark are thousands."""
    whole, mark, part = re.fullmatch(r"(.*?)(?:([.,])(\d{1,2}))?", written).groups()  # type: ignore[union-attr]
    digits = re.sub(r"[.,]", "", whole)
    return float(f"{digits}.{part}") if mark else float(digits)


def _telephone(language: str, found: re.Match[str]) -> str:
    """One digit after the other, with a pause between groups."""
    written = found.group()
    groups = re.findall(r"\d+", written)
    if sum(map(len, groups)) < _LEAST_DIGITS or _NO_TELEPHONE.fullmatch(written):
        return written
    if language == "fr" and _THOUSANDS.fullmatch(written):
        return written
    return ("+ " if written.startswith("+") else "") + ", ".join(" ".join(group) for group in groups)


def _german_day(found: re.Match[str]) -> str:
    """ "am 3. Mai" is "am dritten Mai", and "der 3. Mai" is "der dritte Mai"."""
    day = num2words(int(found["day"]), lang="de", to="ordinal")
    return f"{found['case']}{day}n" if found["case"] else str(day)
