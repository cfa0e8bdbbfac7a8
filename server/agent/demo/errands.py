"""What callers of the demo shop come for: rules that choose the tool and find its arguments in what the caller said."""

from server.agent.demo import numbers, shop, sums, times
from server.agent.demo.decision import Decision, OpenQuestion, Request

_ORDER_WORDS = ("order", "orders", "ordered", "older", "parcel", "package", "delivery", "shipment", "tracking")
_HOURS_WORDS = ("open", "opens", "opened", "opening", "close", "closes", "closed", "closing", "shut", "hours")
_ASK_NUMBER = Decision("Sure. What is your order number?", asks=OpenQuestion("order"))
_BESIDE_NUMBER = frozenset(
    "for to too ate free double triple and hyphen dash point number no it is yes yeah okay oh sure the please".split()
)
_YES_WORDS = ("yes", "yeah", "yep", "yup", "correct", "right", "exactly", "mhm", "sure", "okay", "please", "did", "do")
_YES_PHRASES = ("uh huh", "mm hm", "mm hmm")
_ANSWER_WORDS = 8
"""A longer sentence is more than the answer to a question for yes or no."""
_MOST_DIGITS = 8
"""How many digits are said back of a number that is far too long."""
_DAY_ALONE_WORDS = 4
"""A sentence with no more words than this may name a day and mean the opening hours of that day."""


def do_sum(request: Request) -> Decision | None:
    """To do a sum, as in "what is twelve plus thirty"."""
    found = sums.parse(request.words)
    if found is None or _reads_order_number(request):
        return None
    left, right = (int(value) if value.denominator == 1 else float(value) for value in (found.left, found.right))
    return Decision(tool="calculate", args=(("left", left), ("operator", found.operator), ("right", right)))


def _reads_order_number(request: Request) -> bool:
    """Whether what looks like a sum is an order number: "42-71" and "42 - 71" may be both.

    They are an order number where one is expected, and where there is such an order.
    """
    if not request.any("hyphen", "dash", "slash") or sums.is_asked(request.words):
        return False
    number = numbers.digits(request.words, shop.ORDER_DIGITS)
    expected = _waited(request) or request.any(*_ORDER_WORDS) or any(word.startswith("0") for word in request.words)
    return expected or (request.any("hyphen", "slash") and shop.has_order(number))


def callback(request: Request) -> Decision | None:
    """To book a callback, to cancel it, or to ask when it is; also the day or time that the agent has asked for."""
    named = request.any("callback", "callbacks", "appointment") or (
        request.any("call", "calling", "ring", "phone") and request.any("back", "me", "somebody", "someone")
    )
    named = named or request.has("me back")  # the verb before it may have been misheard
    if request.any("cancel") and (named or not request.any(*_ORDER_WORDS)):
        return Decision(tool="cancel_callback")
    if request.asked and request.asked.topic == "callback":
        named = named or times.day(request.words) is not None or times.parse(request.words) is not None
        named = named and not request.any(*_HOURS_WORDS, *_ORDER_WORDS)
    if not named:
        return None
    if request.any("when", "which", "booked") and not request.any("book"):
        return Decision(tool="booked_callback")
    return _book(request)


def _book(request: Request) -> Decision:
    """Book the callback when the day and the time are known; else ask for what is missing."""
    asked = request.asked
    before = asked if asked and asked.topic == "callback" else OpenQuestion("callback")
    time = times.parse(request.words)
    day, at = times.day(request.words) or before.day, f"{time:%H:%M}" if time else before.at
    missing = OpenQuestion("callback", day, at)
    if day is None and at is None:
        return Decision("Sure. Which day, and at what time?", asks=missing)
    if day is None:
        return Decision("All right. On which day?", asks=missing)
    if at is None:
        return Decision("All right. At what time?", asks=missing)
    return Decision("All right. ", tool="book_callback", args=(("day", day), ("at", at)))


_OTHER_WORDS = 2
"""How many words beside a number leave it an answer to the question for an order number: "it's 427 I think" is one,
"go forward 10 meters" is none."""


def order(request: Request) -> Decision | None:
    """To look up an order, with its number or without; also a bare number."""
    named = request.any(*_ORDER_WORDS)
    digits = numbers.digits(request.words, shop.ORDER_DIGITS)
    others = sum(not _in_a_number(word) for word in request.words)
    if len(digits) == shop.ORDER_DIGITS and (named or _waited(request) or not request.any(*_HOURS_WORDS, "time")):
        return Decision("Let me look. ", "order_status", (("number", digits),), asks=OpenQuestion("order"))
    if digits and (named or others <= (_OTHER_WORDS if _waited(request) else 0)):
        return _ask_again(digits)
    if named and request.any("new", "place", "buy"):
        return Decision("Sorry, I cannot take new orders. Shall we call you back?", asks=OpenQuestion("callback"))
    return _ASK_NUMBER if named else None


def _ask_again(digits: str) -> Decision:
    """Say which number was heard, which has the wrong length, and ask for it, or ask whether a likely one is meant."""
    heard = f"I heard {numbers.say_digits(digits[:_MOST_DIGITS])}, and our order numbers have four digits."
    likely = shop.likely_order(digits)
    if likely is None:
        return Decision(f"{heard} Could you say it again?", asks=OpenQuestion("order"))
    return Decision(f"{heard} Did you mean {numbers.say_digits(likely)}?", asks=OpenQuestion("order", number=likely))


def confirm(request: Request) -> Decision | None:
    """The answer to "did you mean seven seven three three"."""
    number = request.asked.number if request.asked else None
    if number is None or len(request.words) > _ANSWER_WORDS or numbers.digits(request.words, shop.ORDER_DIGITS):
        return None
    if request.any("no", "nope", "nah", "not", "wrong", "incorrect") or request.has("uh uh"):
        return Decision("Sorry. What is your order number?", asks=OpenQuestion("order"))
    agrees = request.any(*_YES_WORDS) or any(request.has(phrase) for phrase in _YES_PHRASES)
    if agrees and not request.any(*_HOURS_WORDS, "cancel"):
        return Decision("Let me look. ", "order_status", (("number", number),), asks=OpenQuestion("order"))
    return None


def _waited(request: Request) -> bool:
    """Whether the agent has asked for an order number."""
    return request.asked is not None and request.asked.topic == "order"


def _in_a_number(word: str) -> bool:
    """Whether a caller who only says a number may say this word with it."""
    return numbers.is_number_word(word) or word in _BESIDE_NUMBER


def opening_hours(request: Request) -> Decision | None:
    """When the shop is open: on a day, on all days, or now."""
    if not request.any(*_HOURS_WORDS):
        return None
    day = times.day(request.words)
    if request.any("weekend", "weekends"):
        day = "weekend"
    elif request.any("now", "still", "currently", "moment") or request.words[:4] == ("are", "you", "open", "yet"):
        day = "now"
    elif day is None:
        day = "now" if request.words in (("are", "you", "open"), ("are", "you", "closed")) else "week"
    return Decision(tool="opening_hours", args=(("day", day),))


def hours_of_day(request: Request) -> Decision | None:
    """The opening hours of a day that is named alone, as in "and on friday"."""
    day = times.day(request.words)
    if day is None or len(request.words) > _DAY_ALONE_WORDS or times.parse(request.words):
        return None
    return Decision(tool="opening_hours", args=(("day", day),))


def clock(request: Request) -> Decision | None:
    """What time it is, or what day."""
    if request.any("time", "clock"):
        return Decision(tool="current_time")
    day_asked = request.any("day") and request.any("what", "which", "today")
    if request.any("date") or request.has("what is today") or day_asked:
        return Decision(tool="current_date")
    return None
