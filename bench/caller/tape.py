"""What a caller has heard, packet by packet, and the gaps and lateness in it. Pure: times are arguments, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

QUIET_S = 0.25
"""After this much silence the agent has stopped. It is longer than the gaps between the agent's words."""
RTP_RATE = 48_000
SAME_SPURT = 2 * RTP_RATE // 50
"""A step in RTP time above this is silence that was not sent. Such a step tells nothing about lateness."""


@dataclass(frozen=True, slots=True)
class HeardPacket:
    """One packet that arrived."""

    at_s: float
    """When it arrived."""
    rtp_time: int
    """When it is to be played, in 48 kHz samples of the server's clock."""
    loud: bool
    """Whether there is a voice in it."""


@dataclass(frozen=True, slots=True)
class SpokenSpan:
    """When the caller said one utterance: its first and its last sound, in seconds of the same clock."""

    onset_s: float
    end_s: float


def gaps_ms(tape: Sequence[HeardPacket], said: Sequence[SpokenSpan]) -> list[float | None]:
    """For each utterance the time from its end to the first audible packet.

    None when no audible packet comes before the caller's next utterance.
    """
    nexts = [*(each.onset_s for each in said[1:]), float("inf")]
    return [_first_after(tape, each.end_s, until_s) for each, until_s in zip(said, nexts, strict=False)]


def _first_after(tape: Sequence[HeardPacket], start_s: float, until_s: float) -> float | None:
    found = next((heard.at_s for heard in tape if heard.loud and start_s < heard.at_s < until_s), None)
    return None if found is None else (found - start_s) * 1000


def stop_ms(tape: Sequence[HeardPacket], onset_s: float) -> float | None:
    """The time from the caller's onset to the last audible packet. None when the agent did not speak at the onset."""
    loud = [heard.at_s for heard in tape if heard.loud]
    if not any(onset_s - QUIET_S < at_s <= onset_s for at_s in loud):
        return None
    last_s = onset_s
    for at_s in (at_s for at_s in loud if at_s > onset_s):
        if at_s - last_s > QUIET_S:
            break
        last_s = at_s
    return (last_s - onset_s) * 1000


def behind_ms(tape: Sequence[HeardPacket]) -> list[float]:
    """How late each packet of a call came, by the sender's clock, which is taken from the packet that came earliest.

    The first packet after a silence is left out. It comes when the answer is ready, and the gap already measures that.
    """
    offsets = [heard.at_s * 1000 - _steps(tape[0].rtp_time, heard.rtp_time) * 1000 / RTP_RATE for heard in tape]
    begins = [False, *(_steps(before.rtp_time, after.rtp_time) > SAME_SPURT for before, after in pairwise(tape))]
    earliest = min(offsets, default=0.0)
    return [offset - earliest for offset, first in zip(offsets, begins, strict=False) if not first]


def _steps(before: int, after: int) -> int:
    """The difference between two RTP times, which have 32 bits and wrap around (RFC 3550, section 5.1)."""
    return (after - before + 2**31) % 2**32 - 2**31


def lateness_ms(tape: Sequence[HeardPacket]) -> list[float]:
    """How much later each packet came than the packet before it lets expect. Negative means early.

    Only packets with a voice in them count, and only those that follow each other without a silence.
    """
    return [
        (after.at_s - before.at_s) * 1000 - (after.rtp_time - before.rtp_time) * 1000 / RTP_RATE
        for before, after in pairwise(tape)
        if before.loud and after.loud and 0 < after.rtp_time - before.rtp_time <= SAME_SPURT
    ]
