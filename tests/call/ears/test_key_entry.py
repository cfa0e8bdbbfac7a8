"""What a tool has asked the caller to key in."""

from math import nan

import pytest

from server.call.ears.key_entry import MOST_MS, KeyEntry
from server.call.ears.keypad import MAX_KEYS
from server.errors import PeerError
from server.media.frame import FRAME_MS


def keyed(entry: KeyEntry, keys: str) -> KeyEntry:
    for key in keys:
        entry.press(key)
    return entry


@pytest.mark.parametrize(
    ("entry", "keys", "got", "over"),
    [
        (KeyEntry(4), "12", "12", False),
        (KeyEntry(4), "1234", "1234", True),
        (KeyEntry(4), "12345", "1234", True),
        (KeyEntry(4), "12#", "12", True),
        (KeyEntry(4), "12*34", "34", False),
        (KeyEntry(4), "*", "", False),
        (KeyEntry(4), "#", "", True),
        (KeyEntry(4), "12#34", "12", True),
        (KeyEntry(terminators=""), "12#A", "12#A", False),
        (KeyEntry(terminators="*A"), "12#*", "12#", True),
        (KeyEntry(terminators="*A"), "9A", "9", True),
        (KeyEntry(1), "7", "7", True),
        (KeyEntry(), "5" * 50, "5" * MAX_KEYS, True),
    ],
)
def test_which_keys_count(entry: KeyEntry, keys: str, got: str, over: bool) -> None:
    """The digits until there are enough, or until a key that ends them. The star clears, unless it ends them."""
    assert (keyed(entry, keys).keys, entry.over) == (got, over)


def test_a_pause_ends_it() -> None:
    """It counts from the last key, and not while the caller is being asked."""
    entry = KeyEntry(4, timeout_s=3)
    for _ in range(1_000):
        entry.pass_frame(asking=True)
    entry.press("1")
    for _ in range(3_000 // FRAME_MS - 1):
        entry.pass_frame(asking=False)
    entry.press("2")
    for _ in range(3_000 // FRAME_MS - 1):
        entry.pass_frame(asking=False)
    assert not entry.over
    entry.pass_frame(asking=False)
    assert (entry.over, entry.keys) == (True, "12")


def test_it_does_not_last_for_ever() -> None:
    """Whatever keeps the agent from asking."""
    entry = KeyEntry()
    for _ in range(MOST_MS // FRAME_MS - 1):
        entry.pass_frame(asking=True)
    assert not entry.over
    entry.pass_frame(asking=True)
    assert entry.over


@pytest.mark.parametrize(
    "how",
    [
        {"digits": 0},
        {"digits": 33},
        {"terminators": "x"},
        {"terminators": "#a"},
        *({"timeout_s": s} for s in (0, 61, nan)),
    ],
)
def test_what_cannot_be_keyed_in(how: dict[str, object]) -> None:
    """Is refused with a sentence."""
    with pytest.raises(PeerError, match=r"\.$|60"):
        KeyEntry(**how)  # type: ignore[arg-type]
