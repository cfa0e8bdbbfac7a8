"""The pause bench with synthetic voices: many policies, many settings, and true words beside the words as heard.

It is a second opinion. What is best for synthetic voices is not best for people, so no setting is chosen by it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby

from bench.common.figures import percent, show, spread
from bench.pauses.trace import Judgement, Moment, Point, Policy, Trace, cut_by_place, judged, point, with_true_words
from server.agent.demo.front_desk import front_desk
from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms
from server.call.turns.expectation import expectation
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.patience import PRESETS, endpoint_of

WAITS = ("complete_ms", "begun_ms", "single_ms", "number_ms", "open_ms", "nothing_ms", "asked_ms")
KNOBS = (*WAITS, "sound_weight", "shortest_ms", "longest_ms")
"""The settings that the curve varies one by one."""
EXPECTED = expectation((*front_desk().phrases, *front_desk().number_phrases), ENGLISH)
DIGITS = 4
"""How many digits the shop's order numbers have."""
FACTORS = (0.6, 0.8, 1.0, 1.25, 1.5, 2.0)
"""The settings are multiplied by each of these."""
FIXED_MS = (200, 300, 400, 500, 600, 700, 800, 1_000, 1_200, 1_500)
"""The waits of the policies that look at silence alone."""
SLOW_MS = 900
"""Endpoints later than this are listed by `--detail`."""
HEADER = ("cut %", "utt. %", "p50", "p95", "unbroken p50", "missed", "calls")


def policy(settings: EndpointSettings) -> Policy:
    """The server's own policy."""

    def enough(moment: Moment, agent_text: str) -> float:
        begun, whole = EXPECTED.begun(moment.text), EXPECTED.whole(moment.text)
        ending, wanted = ENGLISH.ending(moment.text), ENGLISH.asked_for(agent_text)
        pause = Pause(ending, wanted, begun, whole, DIGITS, moment.over)
        return enough_silence_ms(pause, settings)

    return enough


def fixed(wait_ms: float) -> Policy:
    """A policy that waits the same time, whatever was said."""
    return lambda moment, agent_text: wait_ms


def scaled(names: Iterable[str], factor: float) -> EndpointSettings:
    """The default settings, with those of these names multiplied by the factor."""
    default = EndpointSettings()
    higher = {name: getattr(default, name) * factor for name in names}
    return EndpointSettings(**{name: round(value) if name.endswith("_ms") else value for name, value in higher.items()})


def kinds() -> Iterator[tuple[str, Policy]]:
    """The policies that show what words are worth."""
    yield "words (default)", policy(EndpointSettings())
    for wait_ms in (300, 500, 1_000):
        yield f"silence of {wait_ms} ms alone", fixed(wait_ms)


def policies() -> Iterator[tuple[str, Policy]]:
    """All policies of the curve, with their names."""
    for patience in PRESETS:
        yield f"patience {patience}", policy(endpoint_of(patience, EndpointSettings()))
    for factor in FACTORS:
        yield f"all waits x {factor}", policy(scaled(WAITS, factor))
    for name in KNOBS:
        for factor in FACTORS:
            changed = scaled([name], factor)
            yield f"{name} = {getattr(changed, name)}", policy(changed)
    for wait_ms in FIXED_MS:
        yield f"plain silence {wait_ms}", fixed(wait_ms)


def curve(traces: list[Trace]) -> dict[str, Point]:
    """The points of all policies."""
    return {name: point(traces, enough) for name, enough in policies()}


def by_place(judgements: list[Judgement]) -> Iterator[tuple[object, ...]]:
    """For each kind of place and each range of lengths: how many pauses there are, and how many were cut."""
    pauses = [
        (inside.place, inside.ms, cut)
        for judgement in judgements
        for inside, cut in zip(judgement.trace.spoken.pauses, judgement.cut, strict=True)
    ]
    for place, group in groupby(sorted(pauses), key=lambda pause: pause[0]):
        found = list(group)
        for least, most in ((0, 300), (301, 500), (501, 700), (701, 2_000)):
            cuts = [cut for _, ms, cut in found if least <= ms <= most]
            yield place, f"{least}-{most}", len(cuts), sum(cuts), percent(sum(cuts), len(cuts))


def by_completeness(judgements: list[Judgement]) -> Iterator[tuple[object, ...]]:
    """How long callers wait, by how complete their words looked at the end."""
    ended = [(ENGLISH.ending(each.text).completeness.value, each.latency_ms) for each in judgements if each.latency_ms]
    for kind, group in groupby(sorted(ended), key=lambda end: end[0]):
        found = spread(ms for _, ms in group)
        if found:
            yield kind, found.count, found.p50, found.p95, found.max


def report(title: str, traces: list[Trace], found: dict[str, Point], every_detail: bool) -> None:
    """Show all tables about these traces."""
    judgements = [judged(trace, policy(EndpointSettings())) for trace in traces]
    if every_detail:
        detail(judgements)
    judges(title, traces)
    show(f"{title}: pauses inside, default settings", ("place", "ms", "pauses", "cut", "%"), by_place(judgements))
    header = ("words look", "count", "p50", "p95", "max")
    show(f"{title}: waits at the end, default settings", header, by_completeness(judgements))
    rows = ((name, *asdict(reached).values()) for name, reached in found.items())
    show(f"{title}: pauses and utterances cut, against ms from the end to the endpoint", ("policy", *HEADER), rows)


def judges(title: str, traces: list[Trace]) -> None:
    """Show which pauses each of the `kinds` cuts, and how long it lets the caller wait."""
    rows = []
    for name, enough in kinds():
        found, places = point(traces, enough), cut_by_place(traces, enough)
        rows.append((name, found.p50_ms, found.p95_ms, found.calls, found.cut_pauses, *places.values()))
    header = ("judged by", "p50", "p95", "calls", "cut %", *(f"{place} %" for place in places))
    show(f"{title}: ms from the end to the endpoint, and pauses cut by where they are", header, rows)


def detail(judgements: list[Judgement]) -> None:
    """List the utterances that were cut, and those whose endpoint came late."""
    cut = ((_marked(found), _cut_at(found), " | ".join(found.cut_texts)) for found in judgements if found.false)
    show("Cut", ("said", "at", "heard"), cut)
    slow = (found for found in judgements if found.latency_ms is None or found.latency_ms > SLOW_MS)
    show("Late", ("said", "heard", "ms"), ((found.trace.spoken.text, found.text, found.latency_ms) for found in slow))


def _marked(judgement: Judgement) -> str:
    """The words, with the lengths of the pauses between them."""
    parts, pauses = judgement.trace.spoken.parts, judgement.trace.spoken.pauses
    return parts[0] + "".join(f" /{pause.ms}/ {part}" for pause, part in zip(pauses, parts[1:], strict=True))


def _cut_at(judgement: Judgement) -> str:
    """The places where it was cut."""
    places = [pause.place for pause, cut in zip(judgement.trace.spoken.pauses, judgement.cut, strict=True) if cut]
    return ", ".join([*places, *(["elsewhere"] if judgement.cut_elsewhere else [])])


def compare(heard: list[Trace], every_detail: bool) -> dict[str, dict[str, dict[str, float | None]]]:
    """Show all tables about the traces, and return all points as JSON."""
    true = [with_true_words(trace) for trace in heard]
    curves = {"words as heard": (heard, curve(heard)), "true words": (true, curve(true))}
    for title, (traces, found) in curves.items():
        report(title, traces, found, every_detail)
    return {title.replace(" ", "_"): _points(found) for title, (_, found) in curves.items()}


def _points(points: dict[str, Point]) -> dict[str, dict[str, float | None]]:
    return {name: asdict(found) for name, found in points.items()}
