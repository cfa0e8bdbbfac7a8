import random

from hypothesis import given
from hypothesis import strategies as st

from server.media.dtmf import DIGITS, MAX_DURATION, TelephoneEvents


def event(number: int, duration: int, end: bool = False) -> bytes:
    """The payload of a telephone event (RFC 4733, section 2.3)."""
    return bytes([number, 0x80 * end | 10]) + duration.to_bytes(2, "big")


def pressed(digit: str, timestamp: int, packets: int = 5) -> list[tuple[int, bytes]]:
    """The packets that a phone sends for one key: an update every 20 ms, and the end three times."""
    number = DIGITS.index(digit)
    updates = [(timestamp, event(number, 160 * (n + 1))) for n in range(packets)]
    return updates + [(timestamp, event(number, 160 * packets, end=True))] * 3


def heard(packets: list[tuple[int, bytes]]) -> str:
    events = TelephoneEvents()
    return "".join(digit for timestamp, payload in packets if (digit := events.receive(timestamp, payload)))


def test_each_key_is_one_digit() -> None:
    """Each key is heard once. If the same key is pressed twice, it is heard twice."""
    assert heard([p for n, digit in enumerate(DIGITS + "55") for p in pressed(digit, 8_000 * n)]) == DIGITS + "55"


@given(st.text(DIGITS, max_size=12), st.integers(0, 0xFFFFFFFF), st.integers(0, 1_000))
def test_any_loss_order_and_copies(digits: str, start: int, seed: int) -> None:
    """Each digit is heard once if one of its packets arrives, also when the timestamps wrap."""
    rng, packets = random.Random(seed), list[tuple[int, bytes]]()
    for n, digit in enumerate(digits):
        mine = pressed(digit, (start + 8_000 * n) & 0xFFFFFFFF)
        kept = [packet for packet in mine if rng.random() < 0.5] or [rng.choice(mine)]
        kept += [packet for packet in kept if rng.random() < 0.3]
        rng.shuffle(kept)
        packets += kept
    stragglers = [packet for packet in packets if rng.random() < 0.2]
    assert heard(packets) == digits
    assert heard(packets + stragglers) == digits


def test_a_long_press_is_one_digit() -> None:
    """A key that is held longer than the duration field can say is sent in segments (RFC 4733, section 2.5.1.3)."""
    packets = [(1_000, event(5, 160)), (1_000, event(5, MAX_DURATION))]
    packets += [(1_000 + MAX_DURATION, event(5, 160)), (1_000 + MAX_DURATION, event(5, 320, end=True))]
    assert heard(packets) == "5"


def test_other_events_are_no_digits() -> None:
    """A flash hook, a modem's tone and a packet that is cut off give no digit."""
    assert heard([(1, event(16, 160)), (9_000, event(36, 160)), (20_000, b"\x05\x0a")]) == ""
