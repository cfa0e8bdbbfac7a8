"""What the server knew at every frame of an utterance, and what a policy makes of it. Pure.

An utterance is heard once by the real ears and replayed with any settings, so every pause is judged as if no earlier
one had been taken for the end.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bench.corpus import Spoken
from bench.figures import Spread, percent, spread
from server.call.mind.preparation import MAX_ATTEMPTS
from server.call.turns.endpoint import EndpointSettings, enough_to_prepare_ms
from server.media.frame import FRAME_MS

LATE_VOICE_MS = 300
"""VAD hears a voice again so late, at most: an endpoint within it still belongs to the pause before."""


@dataclass(frozen=True, slots=True)
class Moment:
    """After one frame: what an endpoint is decided from."""

    silence_ms: int
    text: str
    usual_pause_ms: float
    over: float | None = None
    """How likely the voice sounds over."""


Enough = Callable[[Moment, str], float]
"""A policy: the silence in ms that is enough; the text is what the agent said before."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One utterance: `moments` has one entry a frame, None while no voice has begun."""

    spoken: Spoken
    parts_ms: tuple[tuple[int, int], ...]
    """First and last sound of each part."""
    moments: tuple[Moment | None, ...]

    @property
    def end_ms(self) -> int:
        return self.parts_ms[-1][1]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy did with one utterance."""

    trace: Trace
    cut: tuple[bool, ...]
    """For each pause inside: whether it was taken for the end."""
    cut_elsewhere: bool
    """Within a word or between two: VAD heard silence where there was no pause."""
    latency_ms: int | None
    """From the last sound to the endpoint; None when there was none."""
    text: str
    """The words that the endpoint was decided from."""
    cut_texts: tuple[str, ...]
    """The words that each cut was decided from."""

    @property
    def false(self) -> bool:
        return self.cut_elsewhere or any(self.cut)


def judged(trace: Trace, enough: Enough) -> Outcome:
    ends = list(_endpoints(trace, enough))
    inside = [at_ms for at_ms, _ in ends if at_ms < trace.end_ms]
    texts = tuple(text for _, text in ends[: len(inside)])
    pauses = [(before[1], after[0]) for before, after in zip(trace.parts_ms, trace.parts_ms[1:], strict=False)]
    cut = tuple(any(start < at_ms < end + LATE_VOICE_MS for at_ms in inside) for start, end in pauses)
    elsewhere = [at_ms for at_ms in inside if not any(start < at_ms < end + LATE_VOICE_MS for start, end in pauses)]
    last, text = next(((at_ms, text) for at_ms, text in ends if at_ms >= trace.end_ms), (None, ""))
    return Outcome(trace, cut, bool(elsewhere), None if last is None else last - trace.end_ms, text, texts)


def _endpoints(trace: Trace, enough: Enough) -> Iterator[tuple[int, str]]:
    """The first moment of each silence that is enough, and the words it was judged by."""
    decided = False
    for number, moment in enumerate(trace.moments):
        if moment is None or moment.silence_ms == 0:
            decided = False
        elif not decided and moment.silence_ms >= enough(moment, trace.spoken.agent_text):
            decided = True
            yield (number + 1) * FRAME_MS, moment.text


def with_true_words(trace: Trace) -> Trace:
    """The same sound, with a perfect transcript that takes no time."""
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
    """One point of the curve: what a policy breaks, in percent, and what it costs, in ms."""

    cut_pauses: float
    cut_utterances: float
    """Of the utterances that have a pause inside."""
    p50_ms: float | None
    p95_ms: float | None
    unbroken_p50_ms: float | None
    """Of the utterances that have none."""
    missed: int
    """Utterances without an endpoint."""
    calls: float
    """Answers begun for each utterance: what an exchange costs in calls of the model."""


def point(traces: list[Trace], enough: Enough) -> Point:
    return summed([judged(trace, enough) for trace in traces], sum(attempts(trace, enough) for trace in traces))


def summed(outcomes: list[Outcome], calls: int) -> Point:
    """The point of these outcomes, for which the model was called so often."""
    cuts = [cut for outcome in outcomes for cut in outcome.cut]
    broken = [outcome for outcome in outcomes if outcome.cut]
    every, unbroken = _latency(outcomes), _latency([outcome for outcome in outcomes if not outcome.cut])
    return Point(
        percent(sum(cuts), len(cuts)),
        percent(sum(outcome.false for outcome in broken), len(broken)),
        every.p50 if every else None,
        every.p95 if every else None,
        unbroken.p50 if unbroken else None,
        sum(outcome.latency_ms is None for outcome in outcomes),
        round(calls / len(outcomes), 2),
    )


def attempts(trace: Trace, enough: Enough) -> int:
    """How often an answer was begun: at most once a silence, and as often as the server would."""
    begun, count = False, 0
    for moment in trace.moments:
        if moment is None or moment.silence_ms == 0:
            begun = False
        elif not begun and moment.silence_ms >= _to_prepare(enough(moment, trace.spoken.agent_text)):
            begun, count = True, count + 1
    return min(count, MAX_ATTEMPTS)


def _to_prepare(wait_ms: float) -> float:
    return enough_to_prepare_ms(wait_ms, EndpointSettings())


def cut_by_place(traces: list[Trace], enough: Enough) -> dict[str, float]:
    """Percent of the pauses of each kind."""
    cut: dict[str, list[bool]] = {}
    for outcome in (judged(trace, enough) for trace in traces):
        for inside, was_cut in zip(outcome.trace.spoken.pauses, outcome.cut, strict=True):
            cut.setdefault(inside.place, []).append(was_cut)
    return {place: percent(sum(cuts), len(cuts)) for place, cuts in sorted(cut.items())}


def _latency(outcomes: list[Outcome]) -> Spread | None:
    return spread(outcome.latency_ms for outcome in outcomes if outcome.latency_ms is not None)
