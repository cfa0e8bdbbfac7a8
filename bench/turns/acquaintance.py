"""What the server learns of a caller during a call: replays utterances of one voice as calls of several utterances.

As in the server, a pause teaches when it was waited out, and an end teaches once the answer has been heard. A pause
that was taken for the end teaches nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from bench.turns.trace import LATE_VOICE_MS, Judgement, Point, Policy, Trace, attempts, judged, summed
from server.call.turns.habit import MIN_PAUSE_MS, Habit, PauseSound
from server.media.frame import FRAME_MS

CALL_LENGTHS = (1, 3, 5, 10, 30)
"""How many utterances the calls have."""


def in_calls(traces: Sequence[Trace], length: int, policy: Callable[[Habit], Policy]) -> Point:
    """The point of the curve when each voice makes calls of `length` utterances."""
    judgements, calls = [], 0
    for call in _calls(traces, length):
        habit = Habit()
        for trace in call:
            judgement = judged(trace, policy(habit))
            calls += attempts(trace, policy(habit))
            judgements.append(judgement)
            _learn(habit, judgement)
    return summed(judgements, calls)


def _calls(traces: Sequence[Trace], length: int) -> Iterator[list[Trace]]:
    by_voice = sorted(traces, key=lambda trace: trace.spoken.voice)
    for _, group in groupby(by_voice, key=lambda trace: trace.spoken.voice):
        said = list(group)
        yield from (said[start : start + length] for start in range(0, len(said), length))


def _learn(habit: Habit, judgement: Judgement) -> None:
    trace = judgement.trace
    starts, ends = [after for after, _ in trace.parts_ms[1:]], [end for _, end in trace.parts_ms[:-1]]
    pauses = list(zip(ends, starts, judgement.cut, strict=True))
    for number, moment in enumerate(trace.moments, 1):
        if moment is None or moment.silence_ms != MIN_PAUSE_MS or moment.over is None:
            continue
        at_ms, rest = number * FRAME_MS, PauseSound(moment.text, moment.over)
        if at_ms >= trace.end_ms:
            habit.was_done(rest)
            return
        if any(start < at_ms < end + LATE_VOICE_MS and not cut for start, end, cut in pauses):
            habit.went_on(rest)
