import random

from hypothesis import given
from hypothesis import strategies as st

from server.media.dtmf import DIGITS, END_PACKETS, MAX_DURATION, VOLUME_DBM0, KeyPackets, TelephoneEvents


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


def written(keys: list[str | None], start: int = 0) -> list[tuple[int, bytes, bool]]:
    """The packets of these ticks of 20 ms at 8 kHz: the timestamp, the payload and the marker of each."""
    sender = KeyPackets(160)
    packets = [sender.next(key, (start + 160 * tick) & 0xFFFFFFFF) for tick, key in enumerate(keys)]
    return [(packet.timestamp, packet.payload, packet.begins) for packet in packets if packet is not None]


def test_a_key_that_we_press_is_told_as_the_rfc_says() -> None:
    """The duration grows, the time stays, only the first packet is marked, and the end is sent three times."""
    packets = written([None, "#", "#", "#", None, None, None, None])
    assert END_PACKETS == 3
    assert [(timestamp, begins) for timestamp, _, begins in packets] == [(160, n == 0) for n in range(6)]
    assert [payload for _, payload, _ in packets] == [
        bytes([11, end | VOLUME_DBM0]) + (160 * frames).to_bytes(2)
        for end, frames in [(0, 1), (0, 2), (0, 3), (0x80, 3), (0x80, 3), (0x80, 3)]
    ]


@given(st.lists(st.sampled_from(DIGITS)), st.integers(1, 9), st.integers(1, 5), st.integers(0, 0xFFFFFFFF))
def test_keys_that_we_press_are_those_that_we_read(keys: list[str], down: int, up: int, start: int) -> None:
    """What one side presses the other one reads, also when a key follows before the end was sent three times."""
    packets = written([each for key in keys for each in [*[key] * down, *[None] * up]], start)
    assert heard([(timestamp, payload) for timestamp, payload, _ in packets]) == "".join(keys)


def test_keys_without_a_pause_between_are_events_of_their_own() -> None:
    """Another key begins another event."""
    packets = written(["1", "1", "2", "2", None])
    assert heard([(timestamp, payload) for timestamp, payload, _ in packets]) == "12"
    assert [begins for _, _, begins in packets] == [True, False, True, False, False]
