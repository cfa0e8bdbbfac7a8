"""What the server knew at every frame of an utterance, and what an endpoint policy makes of it. Pure.

The real ears hear an utterance once. It is then replayed with any policy. So every pause is judged as if no earlier
pause had been taken for the end.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from bench.common.figures import Spread, percent, spread
from bench.pauses.corpus import ScriptedPause
from server.call.mind.preparation import MAX_ATTEMPTS
from server.call.turns.endpoint import EndpointSettings, enough_to_prepare_ms
from server.media.frame import FRAME_MS

LATE_VOICE_MS = 300
"""How late VAD hears that a voice goes on, at most. An endpoint within this time still belongs to the pause before."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the server would decide an endpoint from after one frame."""

    silence_ms: int
    text: str
    """The words so far."""
    over: float | None = None
    """The probability that the voice sounds as at an end; None when it is not known."""


Policy = Callable[[Moment, str], float]
"""An endpoint policy: how many ms of silence are enough at a moment. The text is what the agent said before."""


class Spoken(Protocol):
    """An utterance that somebody speaks, with pauses."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The words between the pauses; each empty where nobody has written them down."""

    @property
    def pauses(self) -> tuple[ScriptedPause, ...]: ...

    @property
    def agent_text(self) -> str:
        """What the agent said before."""

    @property
    def text(self) -> str:
        """What tells it from the others in a table."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One utterance as the server heard it."""

    spoken: Spoken
    parts_ms: tuple[tuple[int, int], ...]
    """The first and the last sound of each part."""
    moments: tuple[Moment | None, ...]
    """One entry for each frame; None until a voice begins."""

    @property
    def end_ms(self) -> int:
        return self.parts_ms[-1][1]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy decided in one utterance."""

    trace: Trace
    cut: tuple[bool, ...]
    """For each pause inside: whether it was taken for the end."""
    cut_elsewhere: bool
    """Whether there was an endpoint where there is no pause, because VAD heard silence in a word or between two."""
    latency_ms: int | None
    """From the last sound to the endpoint; None when there was no endpoint."""
    text: str
    """The words that the endpoint was decided from."""
    cut_texts: tuple[str, ...]
    """The words that each wrong endpoint was decided from."""

    @property
    def false(self) -> bool:
        """Whether there was any wrong endpoint."""
        return self.cut_elsewhere or any(self.cut)


def judged(trace: Trace, enough: Policy) -> Judgement:
    """Replay the utterance with a policy."""
    ends = list(_endpoints(trace, enough))
    inside = [at_ms for at_ms, _ in ends if at_ms < trace.end_ms]
    texts = tuple(text for _, text in ends[: len(inside)])
    pauses = list(_pauses(trace))
    cut = tuple(any(start < at_ms < end for at_ms in inside) for start, end in pauses)
    elsewhere = [at_ms for at_ms in inside if not any(start < at_ms < end for start, end in pauses)]
    last, text = next(((at_ms, text) for at_ms, text in ends if at_ms >= trace.end_ms), (None, ""))
    return Judgement(trace, cut, bool(elsewhere), None if last is None else last - trace.end_ms, text, texts)


def _pauses(trace: Trace) -> Iterator[tuple[int, int]]:
    """When an endpoint belongs to each of the pauses, in ms. No endpoint belongs to two."""
    starts = [end for _, end in trace.parts_ms]
    for number, (begin, _) in enumerate(trace.parts_ms[1:]):
        yield starts[number], min(begin + LATE_VOICE_MS, starts[number + 1])


def _endpoints(trace: Trace, enough: Policy) -> Iterator[tuple[int, str]]:
    """For each silence that is long enough: the first moment when it is, in ms, and the words that it was judged by."""
    decided = False
    for number, moment in enumerate(trace.moments):
        if moment is None or moment.silence_ms == 0:
            decided = False
        elif not decided and moment.silence_ms >= enough(moment, trace.spoken.agent_text):
            decided = True
            yield (number + 1) * FRAME_MS, moment.text


def with_true_words(trace: Trace) -> Trace:
    """The trace that a perfect transcript would give that takes no time."""
    moments = (
        moment and replace(moment, text=_said_by(trace, (number + 1) * FRAME_MS))
        for number, moment in enumerate(trace.moments)
    )
    return replace(trace, moments=tuple(moments))


def _said_by(trace: Trace, at_ms: int) -> str:
    words: list[str] = []
    for part, (start_ms, end_ms) in zip(trace.spoken.parts, trace.parts_ms, strict=True):
        share = min(1.0, max(0.0, (at_ms - start_ms) / (end_ms - start_ms)))
        words += part.split()[: round(share * len(part.split()))]
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the curve: how much a policy cuts, and how long it lets the caller wait."""

    cut_pauses: float
    """Percent of the pauses."""
    cut_utterances: float
    """Percent of the utterances that have a pause inside."""
    p50_ms: float | None
    """The median time from the last sound to the endpoint."""
    p95_ms: float | None
    unbroken_p50_ms: float | None
    """The median for the utterances that have no pause inside."""
    missed: int
    """The number of utterances without an endpoint."""
    calls: float
    """How many answers were begun for each utterance, each of which costs a call of the model."""


def point(traces: list[Trace], enough: Policy) -> Point:
    """The point of the curve for one policy."""
    return summed([judged(trace, enough) for trace in traces], sum(attempts(trace, enough) for trace in traces))


def summed(judgements: list[Judgement], calls: int) -> Point:
    """The point of these judgements, in which `calls` answers were begun."""
    cuts = [cut for judgement in judgements for cut in judgement.cut]
    broken = [judgement for judgement in judgements if judgement.cut]
    every, unbroken = _latency(judgements), _latency([judgement for judgement in judgements if not judgement.cut])
    return Point(
        percent(sum(cuts), len(cuts)),
        percent(sum(judgement.false for judgement in broken), len(broken)),
        every.p50 if every else None,
        every.p95 if every else None,
        unbroken.p50 if unbroken else None,
        sum(judgement.latency_ms is None for judgement in judgements),
        round(calls / len(judgements), 2),
    )


def attempts(trace: Trace, enough: Policy) -> int:
    """How many answers were begun: at most one in each silence, and no more than the server would begin."""
    begun, count = False, 0
    for moment in trace.moments:
        if moment is None or moment.silence_ms == 0:
            begun = False
        elif not begun and moment.silence_ms >= _to_prepare(enough(moment, trace.spoken.agent_text)):
            begun, count = True, count + 1
    return min(count, MAX_ATTEMPTS)


def _to_prepare(wait_ms: float) -> float:
    return enough_to_prepare_ms(wait_ms, EndpointSettings())


def cut_by_place(traces: list[Trace], enough: Policy) -> dict[str, float]:
    """For each kind of place the percentage of pauses that were cut."""
    cut: dict[str, list[bool]] = {}
    for judgement in (judged(trace, enough) for trace in traces):
        for inside, was_cut in zip(judgement.trace.spoken.pauses, judgement.cut, strict=True):
            cut.setdefault(inside.place, []).append(was_cut)
    return {place: percent(sum(cuts), len(cuts)) for place, cuts in sorted(cut.items())}


def _latency(judgements: list[Judgement]) -> Spread | None:
    return spread(judgement.latency_ms for judgement in judgements if judgement.latency_ms is not None)
