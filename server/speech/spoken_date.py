"""Dates in figures, as people say them: "2026-12-05" is "December 5th, 2026".

Voices read the marks of such dates as "dash", "slash" or "point", and the abbreviation of a month as a word. A date
that may be in May or in December ("12/05/2026" in English) stays as it is, and so does one that no calendar has.
"""

import re
from calendar import monthrange
from functools import partial

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
_SHORT = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "fr": "janv févr mars avr mai juin juil août sept oct nov déc",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "nl": "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
}
_OTHER_SHORT = {"Sept": 9, "sept": 9, "Jän": 1, "fév": 2, "Mrz": 3}
_PATTERN = {
    "en": "{month} {day}{ordinal}, {year}",
    "de": "{day}. {month} {year}",
    "fr": "{day} {month} {year}",
    "es": "{day} de {month} de {year}",
    "it": "{day} {month} {year}",
    "nl": "{day} {month} {year}",
    "pt": "{day} de {month} de {year}",
}
_FIRST = {"fr": "1er", "it": "1º"}
"""The first day of a month, where it is no plain number."""

_BEFORE, _AFTER = r"(?<![\w.,:/-])", r"(?![\w/]|[.,:-]\d)"
_YEAR = r"(?P<year>(?:1[5-9]|20)\d\d)"
_ISO = re.compile(rf"{_BEFORE}{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)(?:(?P<then>[T ])(?=\d\d:\d\d)|{_AFTER})")
_FIGURES = re.compile(rf"{_BEFORE}(?P<one>\d\d?)(?P<mark>[./-])(?P<two>\d\d?)(?P=mark){_YEAR}{_AFTER}")


def dates_spoken(text: str, language: str) -> str:
    """`text` with its dates as they are said; `language` is one of those of this file, or a tag of it ("en-GB")."""
    known, _, region = language.lower().partition("-")
    text = _ISO.sub(partial(_iso, known), text)
    text = _FIGURES.sub(partial(_figures, known, region), text)
    return _NAMED[known].sub(partial(_named, known), text)


def _iso(language: str, found: re.Match[str]) -> str:
    said = _said(language, found["year"], found["month"], found["day"])
    return found.group() if said is None else said + (" " if found["then"] else "")


def _figures(language: str, region: str, found: re.Match[str]) -> str:
    """ "25.12.2026", "25/12/2026" and "12/25/2026"."""
    one, two, year = found["one"], found["two"], found["year"]
    day_first = _said(language, year, two, one)
    month_first = _said(language, year, one, two) if found["mark"] != "." else None
    if day_first and month_first and language == "en" and day_first != month_first:
        return {"us": month_first, "gb": day_first}.get(region, found.group())
    return day_first or month_first or found.group()


def _said(language: str, year: str, month: str, day: str) -> str | None:
    """The date in words; None if no calendar has it."""
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= monthrange(int(year), int(month))[1]):
        return None
    number, name = int(day), _MONTHS[language].split()[int(month) - 1]
    first = _FIRST.get(language) if number == 1 else None
    return _PATTERN[language].format(day=first or number, ordinal=_ordinal(number), month=name, year=year)


def _ordinal(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


# Months that are abbreviated


def _named_pattern(language: str) -> re.Pattern[str]:
    """Finds a month's abbreviation beside a day.

    Where it may be a word as well ("mar" is Spanish for sea), a year has to follow.
    """
    months = "|".join([*_SHORT[language].split(), *_OTHER_SHORT])
    after_day, day = rf"(?P<month>{months})\b", r"(?<![\w.,])(?P<before>\d\d?"
    if language == "en":
        nth = "(?:st|nd|rd|th)?"
        before_day = rf"\b(?P<first>{months})\b\.?(?=\s\d\d?{nth}(?![\w:.-]|,\d))"
        return re.compile(rf"{day}{nth}\s){after_day}(?:\.(?=\s\d))?|{before_day}")
    if language == "de":
        return re.compile(rf"{day}\.\s){after_day}(?:\.(?=\s[\da-zäöü]))?")
    of = r"(?:de\s)?" if language in ("es", "pt") else ""
    return re.compile(rf"{day}\s{of}){after_day}\.?(?=\s{of}\d{{4}}\b)", re.IGNORECASE)


def _named(language: str, found: re.Match[str]) -> str:
    short = found["month"] or found["first"]
    names = [name.lower() for name in _SHORT[language].split()]
    number = _OTHER_SHORT.get(short) or names.index(short.lower()) + 1
    return (found["before"] or "") + _MONTHS[language].split()[number - 1]


_NAMED = {language: _named_pattern(language) for language in _MONTHS}
