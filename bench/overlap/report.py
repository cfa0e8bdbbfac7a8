"""Sums up what the scenes and the radio did: tables for people, and figures for JSON."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from bench.common.figures import as_json, known, percent, show, spread
from bench.overlap.outcome import SceneOutcome
from bench.overlap.radio import RadioOutcome

LONGEST = 90
"""How many characters of a text are shown."""


def by_kind(outcomes: Iterable[SceneOutcome]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of each kind of scene."""
    for kind, group in groupby(
        sorted(outcomes, key=lambda found: found.scene.kind), key=lambda found: found.scene.kind
    ):
        yield kind, _summary(list(group))


def _summary(found: list[SceneOutcome]) -> dict[str, Any]:
    went_on = [each for each in found if not each.stopped]
    return {
        "count": len(found),
        "stopped": len(found) - len(went_on),
        "stopped_percent": percent(len(found) - len(went_on), len(found)),
        "answered_percent": percent(sum(each.answered for each in found), len(found)),
        "ducked_ms": as_json(each.ducked_ms for each in found if each.ducked_ms is not None),
        "silent_ms": as_json(each.silent_ms for each in found if each.silent_ms is not None),
        "decided_ms": as_json(each.decided_ms for each in found if each.decided_ms is not None),
        "held_ms": as_json(each.held_ms for each in went_on),
        "lost_ms": as_json(each.lost_ms for each in went_on),
    }


def report(kinds: dict[str, dict[str, Any]]) -> None:
    """Show a table with a row for each kind of scene."""
    spreads = ("ducked_ms", "silent_ms", "decided_ms", "held_ms", "lost_ms")
    header = ("sound", "count", "stopped", "stopped %", "answered %", *(f"{name[:-3]} p50 / p95" for name in spreads))
    rows = (
        (
            kind,
            found["count"],
            found["stopped"],
            found["stopped_percent"],
            found["answered_percent"],
            *(_short(found[n]) for n in spreads),
        )
        for kind, found in kinds.items()
    )
    show(
        "Over an agent that speaks: interruptions shall stop it, all other sounds shall not; ms since the onset",
        header,
        rows,
    )


def _short(spread: dict[str, float] | None) -> str | None:
    return f"{spread['p50']:.0f} / {spread['p95']:.0f}" if spread else None


def wrong(outcomes: Iterable[SceneOutcome]) -> Iterator[tuple[object, ...]]:
    """The scenes that stopped the agent and should not, or did not and should."""
    for found in outcomes:
        if found.scene.judged and found.stopped != found.scene.interrupts:
            yield found.scene.name, found.scene.kind, found.words, found.decided_ms, found.held_ms


def in_short(outcomes: Sequence[SceneOutcome]) -> dict[str, Any]:
    """The figures by what the agent shall do: stop for interruptions and commands, and for nothing else."""
    judged = [found for found in outcomes if found.scene.judged]
    commands = [found for found in judged if found.scene.kind.startswith("command")]
    return {
        "interruptions": _stops([found for found in judged if found.scene.interrupts and found not in commands]),
        "decoys": _stops([found for found in judged if not found.scene.interrupts]),
        "commands": _stops(commands),
    }


def _stops(found: Sequence[SceneOutcome]) -> dict[str, Any]:
    """p50 and p95 are of the time until the agent is silent, in ms since the onset, where it is stopped."""
    silent = spread(known(each.silent_ms for each in found))
    stopped = sum(each.stopped for each in found)
    return {
        "n": len(found),
        "stopped": stopped,
        "stopped_percent": percent(stopped, len(found)),
        "p50_ms": silent.p50 if silent else None,
        "p95_ms": silent.p95 if silent else None,
    }


def radio_in_short(outcomes: Sequence[RadioOutcome]) -> dict[str, Any]:
    """The figures of all calls with a radio; and by its level in dB, where "none" are the calls without a radio."""
    levels = {_level(each) for each in outcomes}
    return _calls([each for each in outcomes if each.scene.radio]) | {
        "levels": {name: _calls([each for each in outcomes if _level(each) == name]) for name in sorted(levels)}
    }


def _level(call: RadioOutcome) -> str:
    return f"{call.scene.db:g}" if call.scene.radio else "none"


def _calls(calls: Sequence[RadioOutcome]) -> dict[str, Any]:
    asked = [each for call in calls for each in call.asked]
    return {
        "questions": len(asked),
        "answered": sum(each.answered for each in asked),
        "heard_whole": sum(each.heard_whole for each in asked),
        "heard_whole_percent": percent(sum(each.heard_whole for each in asked), len(asked)),
        "cancelled_unheard": sum(call.unheard for call in calls),
        "unasked": sum(call.unasked for call in calls),
        "wait_ms": as_json(known(each.wait_ms for each in asked)),
    }


def report_radio(figures: dict[str, Any], outcomes: Iterable[RadioOutcome]) -> None:
    """Show a line for each level of the radio, and each question whose answer was not heard whole."""
    missed = (
        (each.question, call.scene.voice, _level(call), each.wait_ms, each.words[:LONGEST], each.heard[:LONGEST])
        for call in outcomes
        for each in call.asked
        if not each.heard_whole
    )
    show("Not heard whole", ("question", "voice", "radio, dB", "waited, ms", "understood", "answer"), missed)
    columns = ("questions", "answered", "heard_whole", "cancelled_unheard", "unasked")
    show(
        "Questions while people talk in the background, by how much louder they are than the caller in dB",
        ("radio", *(name.replace("_", " ") for name in columns), "wait p50 / p95"),
        ((level, *(of[name] for name in columns), _short(of["wait_ms"])) for level, of in figures["levels"].items()),
    )
