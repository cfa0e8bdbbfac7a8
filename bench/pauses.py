"""The endpoint's curve: how often the server answers into a pause, against how long it lets a caller wait.

    python -m bench.pauses

Callers to a shop's front desk, made by eSpeak NG, are heard by the real VAD, the real embedded speech-to-text and the
real session on virtual time; then the real decision is replayed over what they knew. JSON goes to standard output,
tables to standard error.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby

from bench.corpus import corpus
from bench.figures import percent, show, spread
from bench.listening import listen
from bench.trace import Enough, Moment, Outcome, Point, Trace, judged, point, with_true_words
from server.agent.demo import front_desk
from server.call.endpoint import EndpointSettings, Pause, completeness, enough_silence_ms
from server.call.expectation import expectation

WAITS = ("complete_ms", "begun_ms", "single_ms", "number_ms", "open_ms", "nothing_ms", "asked_ms")
EXPECTED = expectation((*front_desk().phrases, *front_desk().number_phrases))
DIGITS = 4
"""Of the shop's order numbers."""
FACTORS = (0.6, 0.8, 1.0, 1.25, 1.5, 2.0)
FIXED_MS = (200, 300, 400, 500, 600, 700, 800, 1_000, 1_200, 1_500)
SLOW_MS = 900
HEADER = ("cut %", "utt. %", "p50", "p95", "unbroken p50", "missed")


def policy(settings: EndpointSettings) -> Enough:
    """The server's own."""

    def enough(moment: Moment, agent_text: str) -> float:
        begun = EXPECTED.begun(moment.text)
        return enough_silence_ms(Pause(moment.text, agent_text, begun, DIGITS, moment.usual_pause_ms), settings)

    return enough


def fixed(wait_ms: float) -> Enough:
    """Plain silence, whatever was said."""
    return lambda moment, agent_text: wait_ms


def scaled(names: Iterable[str], factor: float) -> EndpointSettings:
    """The default settings with some of the waits longer or shorter."""
    default = EndpointSettings()
    return EndpointSettings(**{name: round(getattr(default, name) * factor) for name in names})


def policies() -> Iterator[tuple[str, Enough]]:
    yield "default settings", policy(EndpointSettings())
    for factor in FACTORS:
        yield f"all waits x {factor}", policy(scaled(WAITS, factor))
    for name in WAITS:
        for factor in FACTORS:
            changed = scaled([name], factor)
            yield f"{name} = {getattr(changed, name)}", policy(changed)
    for wait_ms in FIXED_MS:
        yield f"plain silence {wait_ms}", fixed(wait_ms)


def curve(traces: list[Trace]) -> dict[str, Point]:
    return {name: point(traces, enough) for name, enough in policies()}


def by_place(outcomes: list[Outcome]) -> Iterator[tuple[object, ...]]:
    """For each kind of pause and each length: how many of how many were cut."""
    pauses = [
        (inside.place, inside.ms, cut)
        for outcome in outcomes
        for inside, cut in zip(outcome.trace.spoken.pauses, outcome.cut, strict=True)
    ]
    for place, group in groupby(sorted(pauses), key=lambda pause: pause[0]):
        found = list(group)
        for least, most in ((0, 300), (301, 500), (501, 700), (701, 2_000)):
            cuts = [cut for _, ms, cut in found if least <= ms <= most]
            yield place, f"{least}-{most}", len(cuts), sum(cuts), percent(sum(cuts), len(cuts))


def by_completeness(outcomes: list[Outcome]) -> Iterator[tuple[object, ...]]:
    """How long callers wait, by how whole their words looked at the end."""
    ended = [(completeness(outcome.text).value, outcome.latency_ms) for outcome in outcomes if outcome.latency_ms]
    for kind, group in groupby(sorted(ended), key=lambda end: end[0]):
        found = spread(ms for _, ms in group)
        if found:
            yield kind, found.count, found.p50, found.p95, found.max


def report(title: str, traces: list[Trace], found: dict[str, Point], every_detail: bool) -> None:
    outcomes = [judged(trace, policy(EndpointSettings())) for trace in traces]
    if every_detail:
        detail(outcomes)
    show(f"{title}: pauses inside, default settings", ("place", "ms", "pauses", "cut", "%"), by_place(outcomes))
    header = ("words look", "count", "p50", "p95", "max")
    show(f"{title}: waits at the end, default settings", header, by_completeness(outcomes))
    rows = ((name, *asdict(reached).values()) for name, reached in found.items())
    show(f"{title}: pauses and utterances cut, against ms from the end to the endpoint", ("policy", *HEADER), rows)


def detail(outcomes: list[Outcome]) -> None:
    """What to look at: utterances that were cut, and those that waited for long."""
    cut = ((_marked(found), _cut_at(found), " | ".join(found.cut_texts)) for found in outcomes if found.false)
    show("Cut", ("said", "at", "heard"), cut)
    slow = (found for found in outcomes if found.latency_ms is None or found.latency_ms > SLOW_MS)
    show("Late", ("said", "heard", "ms"), ((found.trace.spoken.text, found.text, found.latency_ms) for found in slow))


def _marked(outcome: Outcome) -> str:
    parts, pauses = outcome.trace.spoken.parts, outcome.trace.spoken.pauses
    return parts[0] + "".join(f" /{pause.ms}/ {part}" for pause, part in zip(pauses, parts[1:], strict=True))


def _cut_at(outcome: Outcome) -> str:
    places = [pause.place for pause, cut in zip(outcome.trace.spoken.pauses, outcome.cut, strict=True) if cut]
    return ", ".join([*places, *(["elsewhere"] if outcome.cut_elsewhere else [])])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pauses", description="The endpoint's curve.")
    parser.add_argument("--jobs", type=int, default=2, help="processes that listen")
    parser.add_argument("--every", type=int, default=1, help="take every n-th utterance, for a quick look")
    parser.add_argument("--detail", action="store_true", help="list what was cut and what was late")
    given = parser.parse_args()
    heard = listen(corpus()[:: given.every], given.jobs)
    true = [with_true_words(trace) for trace in heard]
    curves = {"words as heard": (heard, curve(heard)), "true words": (true, curve(true))}
    for title, (traces, found) in curves.items():
        report(title, traces, found, given.detail)
    points = {title.replace(" ", "_"): _points(found) for title, (_, found) in curves.items()}
    print(json.dumps({"utterances": len(heard)} | points))


def _points(points: dict[str, Point]) -> dict[str, dict[str, float | None]]:
    return {name: asdict(found) for name, found in points.items()}


if __name__ == "__main__":
    main()
