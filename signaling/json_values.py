"""Reads JSON of clients of other protocols, which is worked on as a Python value. Pure.

Our own messages are read by pydantic, which has such limits itself.
"""

import json
import math
from typing import Any

MAX_VALUES = 10_000
"""How many values one message may have. A session of the Realtime API with 64 tools has about 3,000. Copying and
checking so many takes some ms, in which no other call gets its turn."""
MAX_DEPTH = 64
"""How deep they may be nested. Schemas of tools have about 10 levels; Python gives up at some hundreds."""


class TooMuch(ValueError):
    """It is JSON, and has too many values or is nested too deep. The text is a sentence for the client."""


def read_value(text: str | bytes) -> Any:
    """The JSON value of a message. NaN and Infinity become words, because JSON has no such numbers.

    Raises TooMuch, and ValueError for what is no JSON or cannot be sent to anybody: half a surrogate pair.
    """
    text = text if isinstance(text, str) else text.decode()
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise TooMuch(f"The message may have {MAX_VALUES} values at most.")
    try:
        value = json.loads(text, parse_constant=str, parse_float=_number)
    except RecursionError as exc:
        raise TooMuch(f"The message may be nested {MAX_DEPTH} levels deep at most.") from exc
    if _is_deep(value):
        raise TooMuch(f"The message may be nested {MAX_DEPTH} levels deep at most.")
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _number(text: str) -> float | str:
    return number if math.isfinite(number := float(text)) else text


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            each
            for value in level
            if isinstance(value, (dict, list))
            for each in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True
