"""People's pauses: what the server's endpoint makes of recordings, beside other ways to find the end. Pure.

Smart Turn alone is used as Pipecat uses it: asked after 200 ms of silence, it ends the utterance at once when it says
more than 0.5, and otherwise three seconds of silence do.
"""

from collections.abc import Iterator
from typing import Any

from bench.common.figures import show
from bench.pauses.trace import Moment, Point, Policy, Trace, point
from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms
from server.call.turns.lexicon.lexicon import Lexicon
from server.call.turns.patience import PRESETS, endpoint_of

SILENCES_MS = (250, 300, 350, 400, 500, 600, 800, 1_000)
STRETCHES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5)
"""The curves multiply all waits by each of these."""
_ASKED_AFTER_MS = 200
_GIVEN_UP_MS = 3_000
_WORDS_ALONE = EndpointSettings(sound_weight=0)


def server_policy(settings: EndpointSettings, lexicon: Lexicon, stretch: float = 1.0) -> Policy:
    """The server's own endpoint for a new caller, of whom nothing is expected."""

    def enough(moment: Moment, agent_text: str) -> float:
        ending, wanted = lexicon.ending(moment.text), lexicon.asked_for(agent_text)
        pause = Pause(ending, wanted, over=moment.over, stretch=stretch)
        return enough_silence_ms(pause, settings)

    return enough


def smart_turn_alone(moment: Moment, agent_text: str) -> float:
    """Only the endpoint model counts."""
    return _ASKED_AFTER_MS if (moment.over or 0) > 0.5 else _GIVEN_UP_MS


def policies(lexicon: Lexicon) -> Iterator[tuple[str, Policy]]:
    """The ways to find the end, with their names. The first is what a caller gets who chooses nothing."""
    for patience in ("normal", *(each for each in PRESETS if each != "normal")):
        yield patience, server_policy(endpoint_of(patience, EndpointSettings()), lexicon)
    yield "words_alone", server_policy(_WORDS_ALONE, lexicon)
    yield "smart_turn_alone", smart_turn_alone
    for ms in SILENCES_MS:
        yield f"silence_{ms}", silence_alone(ms)


def silence_alone(wait_ms: float) -> Policy:
    """A policy that waits the same time, whatever was said."""
    return lambda moment, agent_text: wait_ms


def curve(traces: list[Trace], lexicon: Lexicon) -> dict[str, list[Point]]:
    """How the cuts fall while the waits grow: for the server's endpoint and for words alone."""
    return {
        name: [point(traces, server_policy(settings, lexicon, stretch)) for stretch in STRETCHES]
        for name, settings in (("normal", EndpointSettings()), ("words_alone", _WORDS_ALONE))
    }


def figures(traces: list[Trace], lexicon: Lexicon) -> dict[str, Any]:
    """All figures as JSON. Those of what a caller gets who chooses nothing stand at the top."""
    found = {name: _figures(traces, point(traces, enough)) for name, enough in policies(lexicon)}
    curves = {name: [_figures(traces, each) for each in points] for name, points in curve(traces, lexicon).items()}
    return found.pop("normal") | {"utterances": len(traces)} | found | {"curves": curves}


def _figures(traces: list[Trace], found: Point) -> dict[str, Any]:
    return {
        "n": sum(len(trace.spoken.pauses) for trace in traces),
        "cut_percent": found.cut_pauses,
        "p50_ms": found.p50_ms,
        "p95_ms": found.p95_ms,
        "answers_begun": found.calls,
    }


def show_figures(found: dict[str, Any]) -> None:
    """Show a line for each policy."""
    rows = [("normal", *_row(found)), *((name, *_row(each)) for name, each in found.items() if _is_policy(each))]
    show("People's pauses", ("", "pauses", "cut off, %", "wait p50, ms", "p95", "answers begun"), rows)
    for name, points in found["curves"].items():
        show(
            f"All waits multiplied: {name}",
            ("x", "pauses", "cut off, %", "wait p50, ms", "p95", "answers begun"),
            ((stretch, *_row(each)) for stretch, each in zip(STRETCHES, points, strict=True)),
        )


def _is_policy(found: object) -> bool:
    return isinstance(found, dict) and "cut_percent" in found


def _row(found: dict[str, Any]) -> tuple[Any, ...]:
    return found["n"], found["cut_percent"], found["p50_ms"], found["p95_ms"], found["answers_begun"]


def detail(traces: list[Trace], lexicon: Lexicon) -> None:
    """List each pause that is cut off with the default settings, with what the server knew by then."""
    enough = server_policy(EndpointSettings(), lexicon)
    rows = []
    for trace in traces:
        for number, moment in enumerate(trace.moments):
            at_ms = (number + 1) * 20
            if moment and moment.silence_ms > 0 and at_ms < trace.end_ms:
                wait_ms = enough(moment, trace.spoken.agent_text)
                if moment.silence_ms - 20 < wait_ms <= moment.silence_ms:
                    rows.append((trace.spoken.text, at_ms, moment.silence_ms, moment.over, moment.text))
    show("Cut off", ("recording", "at, ms", "silence", "over", "words"), rows)
