"""Times of the day, as people say them, where voices read them badly: "9:05" as "nine zero five", "14:00 Uhr" as
"14 Uhr null null Uhr".
"""

import re
from collections.abc import Callable
from functools import partial

_BEFORE, _AFTER = r"(?<![\w:.,/-])", r"(?![\w:/]|[.,-]\d)"
_HOUR, _MINUTE = r"(?P<hour>[01]?\d|2[0-4])", r"(?P<minute>[0-5]\d)"
_WORD = {
    "de": r"(?:\s?Uhr\b)?",
    "nl": r"(?:\s?(?:uur|u)\b)?",
    "es": r"(?:\s?(?:horas|hrs|h)\b)?",
    "pt": r"(?:\s?(?:horas|h)\b)?",
    "en": r"(?:\s?o['’]clock\b)?(?P<half>\s?[ap]\.?m\b)?",
}
_PATTERNS = {
    language: re.compile(f"{_BEFORE}{_HOUR}:{_MINUTE}{_WORD.get(language, '')}{_AFTER}")
    for language in ("en", "de", "fr", "es", "it", "nl", "pt")
}
_DOTTED = {
    "de": re.compile(rf"{_BEFORE}{_HOUR}\.{_MINUTE}\s?Uhr\b"),
    "nl": re.compile(rf"{_BEFORE}{_HOUR}\.{_MINUTE}\s?uur\b"),
    "fr": re.compile(rf"{_BEFORE}{_HOUR}\s?h\s?{_MINUTE}{_AFTER}", re.IGNORECASE),
    "pt": re.compile(rf"{_BEFORE}{_HOUR}h{_MINUTE}{_AFTER}", re.IGNORECASE),
}
"""Other ways to write a time."""


def times_spoken(text: str, language: str) -> str:
    """`text` with its times as they are said in `language`, one of those of this file."""
    say = partial(_said, _SAID[language])
    if (other := _DOTTED.get(language)) is not None:
        text = other.sub(say, text)
    return _PATTERNS[language].sub(say, text)


def _said(say: Callable[[int, int, str], str | None], found: re.Match[str]) -> str:
    half = found.groupdict().get("half") or ""
    said = say(int(found["hour"]), int(found["minute"]), half)
    return found.group() if said is None else said


def _english(hour: int, minute: int, half: str) -> str | None:
    if minute >= 10:
        return None
    if minute:
        return f"{hour} oh {minute}{half}"
    if half:
        return f"{hour}{half}"
    if hour in (0, 24):
        return "midnight"
    return f"{hour} o'clock" if hour <= 12 else f"{hour} hundred"


def _german(hour: int, minute: int, half: str) -> str:
    return f"{'ein' if hour == 1 else hour} Uhr" + (f" {minute}" if minute else "")


def _french(hour: int, minute: int, half: str) -> str:
    hours = "une heure" if hour == 1 else f"{hour} heure{'s' if hour else ''}"
    return hours + (f" {minute}" if minute else "")


def _spanish(hour: int, minute: int, half: str) -> str:
    if minute >= 10:
        return f"{hour}:{minute}"
    shown = "una" if hour == 1 else str(hour)
    return f"{shown} y {minute}" if minute else shown if hour == 1 else f"{shown} horas"


def _italian(hour: int, minute: int, half: str) -> str | None:
    return None if minute >= 10 else f"{hour} e {minute}" if minute else str(hour)


def _dutch(hour: int, minute: int, half: str) -> str:
    return f"{hour} uur" + (f" {minute}" if minute else "")


def _portuguese(hour: int, minute: int, half: str) -> str:
    if minute >= 10:
        return f"{hour}:{minute}"
    hours = {1: "uma hora", 2: "duas horas"}.get(hour, f"{hour} horas")
    return f"{hours} e {minute}" if minute else hours


_SAID: dict[str, Callable[[int, int, str], str | None]] = {
    "en": _english,
    "de": _german,
    "fr": _french,
    "es": _spanish,
    "it": _italian,
    "nl": _dutch,
    "pt": _portuguese,
}
