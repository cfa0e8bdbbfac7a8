"""The demo shop: what it knows, and the tools of its front desk. Every tool returns a sentence that can be spoken."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fractions import Fraction
from itertools import groupby

from pydantic_ai import RunContext

from server.agent.demo import numbers, sums
from server.agent.demo.times import WEEKDAYS, say_date, say_time

NAME = "Riverside Books"
ADDRESS = "twelve Bridge Street, beside the old library"
ORDER_DIGITS = 4

_HOURS: dict[str, tuple[time, time] | None] = {
    **dict.fromkeys(WEEKDAYS[:5], (time(9), time(18))),
    "saturday": (time(10), time(16)),
    "sunday": None,
}
_ORDERS = {
    "4271": "was shipped yesterday, and should arrive tomorrow",
    "1835": "is ready for collection, here in the shop",
    "9046": "is delayed. We expect it in three days",
    "7733": "is being packed, and leaves us today",
    "2605": "was delivered on Monday",
    "5518": "was cancelled, and your money is on its way back",
}


def has_order(number: str) -> bool:
    """Whether there is an order with this number."""
    return number in _ORDERS


def likely_order(digits: str) -> str | None:
    """The order that is probably meant by a number of the wrong length; None if there is none, or more than one.

    Speech-to-text often repeats a digit, or writes a repeated one once: 77733 and 733 may be 7733. Other digits are not
    made up, because a caller could find out the orders of others in this way.
    """
    if abs(len(digits) - ORDER_DIGITS) > 2 or len(digits) < ORDER_DIGITS - 1:
        return None
    found = [number for number in _ORDERS if _squeezed(number) == _squeezed(digits)]
    return found[0] if len(found) == 1 else None


def _squeezed(digits: str) -> str:
    """`digits` with every repeated digit once."""
    return "".join(digit for digit, _ in groupby(digits))


@dataclass(frozen=True, slots=True)
class Callback:
    """When to call the caller back; `day` is "today", "tomorrow" or a weekday in lower case."""

    day: str
    at: time

    def said(self) -> str:
        day = self.day.capitalize() if self.day in WEEKDAYS else self.day
        return f"{'on ' if self.day in WEEKDAYS else ''}{day} at {say_time(self.at)}"


@dataclass(slots=True)
class Desk:
    """The state of one call: the agent's dependencies."""

    now: Callable[[], datetime]
    caller: str = ""
    callback: Callback | None = None
    hang_up_requested: bool = False
    """A tool sets it; the call ends when the answer in progress has been heard."""

    def dump(self) -> str:
        """What the caller and the agent have agreed on, as JSON."""
        callback = self.callback and {"day": self.callback.day, "at": self.callback.at.isoformat()}
        return json.dumps({"caller": self.caller, "callback": callback})

    @classmethod
    def load(cls, state: str, now: Callable[[], datetime]) -> "Desk":
        """The state that `dump` has written."""
        said = json.loads(state)
        callback = said["callback"] and Callback(said["callback"]["day"], time.fromisoformat(said["callback"]["at"]))
        return cls(now, said["caller"], callback)


async def opening_hours(desk: RunContext[Desk], day: str = "today") -> str:
    """Say when the shop is open.

    Args:
        day: a weekday, "today", "tomorrow", "weekend", "week" for all days, or "now" for whether it is open now.
    """
    day = day.lower()
    if day == "now":
        return _open_now(desk.deps.now())
    if day in ("week", "weekend"):
        week = "" if day == "weekend" else "We open at nine and close at six from Monday to Friday. "
        return week + "On Saturday we are open from ten to four, and on Sunday we are closed."
    weekday = _weekday(desk.deps.now(), day)
    if weekday is None:
        return "That is not a day that I know."
    said = day if day in ("today", "tomorrow") else f"on {day.capitalize()}"
    hours = _HOURS[weekday]
    if hours is None:
        return f"We are closed {said}."
    return f"We are open {said} from {say_time(hours[0])} to {say_time(hours[1])}."


async def order_status(desk: RunContext[Desk], number: str) -> str:
    """Look up an order.

    Args:
        number: the four digits of the order number, such as "4271".
    """
    number = "".join(filter(str.isdecimal, number))  # models also write "42 71", "#4271" and "unknown"
    if len(number) != ORDER_DIGITS:
        return f"An order number has four digits. I heard {numbers.say_digits(number) or 'none'}."
    said = numbers.say_digits(number)
    status = _ORDERS.get(number)
    if status is None:
        return f"There is no order {said}. Please say the four digits again."
    return f"Order {said} {status}."


async def book_callback(desk: RunContext[Desk], day: str, at: str) -> str:
    """Book a call back to the caller; a new one takes the place of the old one.

    Args:
        day: "today", "tomorrow" or a weekday.
        at: the time of day as HH:MM, in 24 hours.
    """
    try:
        when = time.fromisoformat(at)
    except ValueError:
        return "That is not a time that I know. What time would suit you?"
    if _weekday(desk.deps.now(), day.lower()) is None:
        return "That is not a day that I know. Which day would suit you?"
    desk.deps.callback = Callback(day.lower(), when)
    return f"We will call you back {desk.deps.callback.said()}."


async def cancel_callback(desk: RunContext[Desk]) -> str:
    """Cancel the call back that was booked in this call."""
    if desk.deps.callback is None:
        return "You have no callback to cancel."
    said, desk.deps.callback = desk.deps.callback.said(), None
    return f"I cancelled your callback {said}."


async def booked_callback(desk: RunContext[Desk]) -> str:
    """Say which call back is booked."""
    return f"We will call you {desk.deps.callback.said()}." if desk.deps.callback else "You have no callback booked."


async def current_time(desk: RunContext[Desk]) -> str:
    """Say what time it is."""
    return f"It is {say_time(desk.deps.now().time())}."


async def current_date(desk: RunContext[Desk]) -> str:
    """Say what day it is."""
    return f"Today is {say_date(desk.deps.now().date())}."


async def calculate(desk: RunContext[Desk], left: int | float, operator: str, right: int | float) -> str:
    """Do a sum.

    Args:
        left: the first number.
        operator: one of + - * / and %, where 10 % 50 is ten percent of fifty.
        right: the second number.
    """
    try:
        asked = sums.Sum(Fraction(str(left)), operator, Fraction(str(right)))
    except ValueError:
        return "That is not a sum that I can do."
    result = asked.result()
    if result is None:
        return "Nobody can divide by zero."
    return f"{asked.said().capitalize()} is {sums.say(result)}."


async def remember_name(desk: RunContext[Desk], name: str) -> str:
    """Remember the caller's name.

    Args:
        name: the name as the caller said it.
    """
    desk.deps.caller = name.title()
    return f"Nice to meet you, {desk.deps.caller}."


async def callers_name(desk: RunContext[Desk]) -> str:
    """Say the caller's name, if the caller has told it."""
    return (
        f"Your name is {desk.deps.caller}." if desk.deps.caller else "You have not told me your name yet. What is it?"
    )


async def hang_up(desk: RunContext[Desk]) -> str:
    """End the call, after saying goodbye. Only when the caller wants to go."""
    desk.deps.hang_up_requested = True
    return f"Goodbye{f', {desk.deps.caller}' if desk.deps.caller else ''}. Thanks for calling."


TOOLS = (
    opening_hours,
    order_status,
    book_callback,
    cancel_callback,
    booked_callback,
    current_time,
    current_date,
    calculate,
    remember_name,
    callers_name,
    hang_up,
)

LOOKUPS = frozenset(
    "opening_hours order_status booked_callback current_time current_date calculate callers_name".split()
)
"""Names of the tools that change nothing."""


def _weekday(now: datetime, day: str) -> str | None:
    if day in ("today", "tomorrow"):
        return WEEKDAYS[(now.date() + timedelta(days=day == "tomorrow")).weekday()]
    return day if day in WEEKDAYS else None


def _open_now(moment: datetime) -> str:
    hours = _HOURS[WEEKDAYS[moment.weekday()]]
    if hours and hours[0] <= moment.time() < hours[1]:
        return f"Yes, we are open until {say_time(hours[1])}."
    if hours and moment.time() < hours[0]:
        return f"Not yet, we open at {say_time(hours[0])} today."
    opens = next(day for ahead in range(1, 8) if _HOURS[day := WEEKDAYS[(moment.weekday() + ahead) % 7]])
    hours = _HOURS[opens]
    assert hours is not None
    return f"No, we are closed now. We open on {opens.capitalize()} at {say_time(hours[0])}."
