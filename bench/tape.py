"""What a caller has heard, packet by packet, and what it says about the server. Pure: times come in as seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

QUIET_S = 0.25
"""Silence after which the agent has stopped: longer than the gaps between its words."""
RTP_RATE = 48_000
SAME_SPURT = 2 * RTP_RATE // 50
"""RTP steps above this are silence that was not sent, and say nothing about lateness."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One packet."""

    at_s: float
    """When it arrived."""
    rtp_time: int
    """When it is to be played, in 48 kHz samples of the server's clock."""
    loud: bool
    """Whether somebody speaks in it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller said: its first and its last sound, in seconds of the same clock."""

    onset_s: float
    end_s: float


def gaps_ms(tape: Sequence[Heard], said: Sequence[Said]) -> list[float | None]:
    """For each utterance: from its end to the first audible packet; None when none comes before the caller's next."""
    nexts = [*(each.onset_s for each in said[1:]), float("inf")]
    return [_first_after(tape, each.end_s, until_s) for each, until_s in zip(said, nexts, strict=False)]


def _first_after(tape: Sequence[Heard], start_s: float, until_s: float) -> float | None:
    found = next((heard.at_s for heard in tape if heard.loud and start_s < heard.at_s < until_s), None)
    return None if found is None else (found - start_s) * 1000


def stop_ms(tape: Sequence[Heard], onset_s: float) -> float | None:
    """From the caller's onset to the last audible packet; None when the agent did not speak at the onset."""
    loud = [heard.at_s for heard in tape if heard.loud]
    if not any(onset_s - QUIET_S < at_s <= onset_s for at_s in loud):
        return None
    last_s = onset_s
    for at_s in (at_s for at_s in loud if at_s > onset_s):
        if at_s - last_s > QUIET_S:
            break
        last_s = at_s
    return (last_s - onset_s) * 1000


def behind_ms(tape: Sequence[Heard]) -> list[float]:
    """How late each packet of a call came, by the sender's clock as its earliest packet shows it.

    The first after silence is left out: it comes when the answer is ready, which is what the gap tells.
    """
    offsets = [heard.at_s * 1000 - _steps(tape[0].rtp_time, heard.rtp_time) * 1000 / RTP_RATE for heard in tape]
    begins = [False, *(_steps(before.rtp_time, after.rtp_time) > SAME_SPURT for before, after in pairwise(tape))]
    earliest = min(offsets, default=0.0)
    return [offset - earliest for offset, first in zip(offsets, begins, strict=False) if not first]


def _steps(before: int, after: int) -> int:
    """Between two RTP times, which have 32 bits and wrap."""
    return (after - before + 2**31) % 2**32 - 2**31


def lateness_ms(tape: Sequence[Heard]) -> list[float]:
    """How much later than its predecessor says each packet of a spurt came; early is negative."""
    return [
        (after.at_s - before.at_s) * 1000 - (after.rtp_time - before.rtp_time) * 1000 / RTP_RATE
        for before, after in pairwise(tape)
        if before.loud and after.loud and 0 < after.rtp_time - before.rtp_time <= SAME_SPURT
    ]
