"""Says in words what is written in signs, where a voice would misread it: sums of money, "approx.", "no. 12".

Only what can have one meaning is replaced. "St." may be a street or a saint, so it stays.
"""

import re

_COINS = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
_MONEY = re.compile(
    r"(?P<sign>[$€£])\s?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d\d)(?!\d)|(?P<point>\.\d+))?"
    r"(?P<size>\s(?:thousand|million|billion|trillion)\b|\s?[kKmM]\b)?"
)
_SIZES = {"k": " thousand", "m": " million"}
_WORDS = [
    (re.compile(r"\bapprox\.(?=\s)", re.IGNORECASE), "approximately"),
    (re.compile(r"\b(?:no|nr)\.\s?(?=\d)", re.IGNORECASE), "number "),
    (re.compile(r"\bvs\.(?=\s)", re.IGNORECASE), "versus"),
    (re.compile(r"\be\.g\.", re.IGNORECASE), "for example"),
    (re.compile(r"\bi\.e\.", re.IGNORECASE), "that is"),
]


def in_words(text: str) -> str:
    """`text` with such signs replaced: "$24.99" becomes "24 dollars and 99 cents"."""
    text = _MONEY.sub(_money, text)
    for written, spoken in _WORDS:
        text = written.sub(spoken, text)
    return text


def _money(found: re.Match[str]) -> str:
    unit, coin = _COINS[found["sign"]]
    whole = found["whole"].replace(",", "")
    if found["size"] or found["point"]:  # "$3.2 million", "$0.125"
        size = _SIZES.get((found["size"] or "").strip().lower(), found["size"] or "")
        part = f".{found['part']}" if found["part"] else found["point"] or ""
        return f"{whole}{part}{size} {unit}s"
    parts = [_count(int(whole), unit)] if int(whole) or not found["part"] else []
    if found["part"] and (int(found["part"]) or not parts):
        parts.append(_count(int(found["part"]), coin))
    return " and ".join(parts)


def _count(number: int, unit: str) -> str:
    plural = "pence" if unit == "penny" else f"{unit}s"
    return f"{number} {unit if number == 1 else plural}"
