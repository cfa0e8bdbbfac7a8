"""Days and times as people say them: "monday", "half past ten", "three in the afternoon"."""

from collections.abc import Sequence
from datetime import date, time
from itertools import takewhile

from server.agent.demo import numbers

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_PART_OF_DAY = {"morning": time(10), "noon": time(12), "midday": time(12), "afternoon": time(15), "evening": time(17)}
_QUARTERS = {"quarter": 15, "half": 30}
_JOINTS = ("hyphen", "dash")
_SHORT = {word: day for day in WEEKDAYS for word in (day[:3], day[:4], day[:5])}
"""Days as they are also written: "Wed.", "Thurs"."""
_PAST = ("past", "pass", "passed")
_AT = ("at", "around", "about", "by")
_BEFORE_TIME = frozenset(
    ("", *_AT, "for", "say", "until", "till", "before", "after", "or", "maybe", "please", "morning")
)
_OFFICE_STARTS = 7
"""Earlier hours are in the afternoon, unless the caller says "morning": "at three" is 15:00, "at nine" is 9:00."""


def day(words: Sequence[str]) -> str | None:
    """The day that the caller names: a weekday, "today" or "tomorrow"; None if there is none."""
    for before, word in zip(("", *words), words, strict=False):
        singular = word.removesuffix("s")
        if singular in WEEKDAYS:
            return singular
        if word in _SHORT and (before == "on" or word not in ("sat", "sun")):
            return _SHORT[word]
        if word in ("today", "tomorrow"):
            return word
        if word in ("tonight", "now"):
            return "today"
    return None


def parse(words: Sequence[str]) -> time | None:
    """The time of day that the caller names; None if there is none."""
    words = _joined(words)
    hour, minute = _around_past(words) or _hour_and_minute(words) or (None, 0)
    if hour is None:
        return next((_PART_OF_DAY[word] for word in words if word in _PART_OF_DAY), None)
    late = not {"pm", "afternoon", "evening", "tonight"}.isdisjoint(words)
    early = not {"am", "morning"}.isdisjoint(words)
    if (hour < 12 and late) or (hour < _OFFICE_STARTS and not early):
        hour += 12
    elif hour == 12 and early:
        hour = 0
    return time(hour % 24, minute)


def say_time(at: time) -> str:
    """A time of day in words: "ten thirty in the morning"."""
    if (at.hour, at.minute) in ((12, 0), (0, 0)):
        return "noon" if at.hour else "midnight"
    part = "in the morning" if at.hour < 12 else "in the afternoon" if at.hour < 18 else "in the evening"
    minute = "" if at.minute == 0 else f" {'oh ' if at.minute < 10 else ''}{numbers.say(at.minute)}"
    return f"{numbers.say((at.hour - 1) % 12 + 1)}{minute} {part}"


def say_date(when: date) -> str:
    """A date in words: "Monday, the second of November"."""
    return f"{when:%A}, the {_ordinal(when.day)} of {when:%B}"


def _joined(words: Sequence[str]) -> list[str]:
    """The words, with "a m" and "p m" as one word each."""
    text = f" {' '.join(words)} "
    return text.replace(" a m ", " am ").replace(" p m ", " pm ").split()


def _around_past(words: Sequence[str]) -> tuple[int, int] | None:
    """The hour and minute in "half past ten" or "twenty to three"; None if there are none."""
    for place, word in enumerate(words[:-1]):
        hour = numbers.cardinal(words[place + 1 : place + 2])
        if word not in (*_PAST, "to") or hour is None or not 1 <= hour <= 12 or place == 0:
            continue
        before = [word for word in words[max(0, place - 2) : place] if numbers.is_number_word(word)]
        minutes = _QUARTERS.get(words[place - 1]) or numbers.cardinal(before)
        if minutes is None or not 0 < minutes < 60 or words[place + 1] in ("to", "too", "for"):
            continue
        return (hour, minutes) if word in _PAST else ((hour - 1) or 12, 60 - minutes)
    return None


def _hour_and_minute(words: Sequence[str]) -> tuple[int, int] | None:
    """The hour and minute in "ten", "ten thirty", "nine oh five", "10 30", "10 point 30" or "1030"; None if none.

    A number after "at" comes before the others. "for" or "to" alone is no hour, but "at for" is four o'clock.
    """
    words = _without_joints(words)
    places = sorted(range(len(words)), key=lambda place: not _after_at(words, place))
    return next((found for place in places if (found := _clock_at(words, place))), None)


def _clock_at(words: Sequence[str], place: int) -> tuple[int, int] | None:
    """The hour and minute that begin at that place."""
    word = words[place]
    if not (numbers.is_number_word(word) or _after_at(words, place)):
        return None
    if word.isdecimal() and len(word) in (3, 4):
        hour, minute = int(word[:-2]), int(word[-2:])
        return (hour, minute) if 1 <= hour <= 23 and minute < 60 and _alone(words, place) else None
    hour_said = numbers.cardinal([word])
    if hour_said is None or not 1 <= hour_said <= 23:
        return None
    rest = list(takewhile(numbers.is_number_word, words[place + 1 : place + 3]))
    if rest[:1] in (["oh"], ["o"], ["zero"]):
        minute = numbers.cardinal(rest[1:]) or 0
        return hour_said, minute if minute < 60 else 0
    minute_said = numbers.cardinal(rest)
    if minute_said is None:
        minute_said = numbers.cardinal(rest[:1])
    is_minute = minute_said is not None and (10 <= minute_said < 60 or rest[0].startswith("0"))
    return hour_said, minute_said if minute_said is not None and is_minute else 0


def _without_joints(words: Sequence[str]) -> list[str]:
    """The words without what stands between hour and minute: 4.30 and 4-30, but not the span 10-11."""
    joined = [place for place, after in enumerate(words[1:]) if words[place] in _JOINTS and _is_minute(after)]
    return [word for place, word in enumerate(words) if word != "point" and place not in joined]


def _is_minute(word: str) -> bool:
    """Whether two figures can only be minutes, and no hour."""
    return word.isdecimal() and len(word) == 2 and (word[0] == "0" or int(word) > 12)


def _after_at(words: Sequence[str], place: int) -> bool:
    return place > 0 and words[place - 1] in _AT


def _alone(words: Sequence[str], place: int) -> bool:
    """Whether three or four figures at that place may be a time: "at 430", but not "order 1835" or "555 1234"."""
    before, after = words[place - 1] if place else "", words[place + 1] if place + 1 < len(words) else ""
    timely = before in _BEFORE_TIME or day([before]) is not None or after in ("am", "pm")
    return timely and after not in _JOINTS and not numbers.is_number_word(after)


def _ordinal(number: int) -> str:
    tens, ones = divmod(number, 10)
    special = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}
    if number in special:
        return special[number]
    if number < 20:
        return numbers.say(number) + "th"
    if ones == 0:
        return numbers.say(number)[:-1] + "ieth"
    return f"{numbers.say(tens * 10)} {_ordinal(ones)}"
