"""What stops the agent, and what does not: plays sounds over an agent that speaks, through the real judge.

    python -m bench.overlap

The real session speaks by eSpeak NG, hears by the real VAD and the real embedded speech-to-text, and decides, on
virtual time. What the caller hears is compared with the same call in which the caller makes no sound. JSON goes to
standard output, tables to standard error.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from bench.common.figures import as_json, percent, show
from bench.common.pool import share_out
from bench.common.rehearsal import Rehearsal, SentMessage, Stage, in_a_room
from bench.overlap.loudspeaker import Loudspeaker
from bench.overlap.outcome import Frames, SceneOutcome, first_change, last_sound_ms, lost_ms
from bench.overlap.scenes import AGENT_SAYS, Scene, scenes
from server.call.messages import Response, Transcription
from server.call.options import Patience
from server.call.settings import CallSettings
from server.call.turns.overlap import OverlapSettings
from server.call.turns.patience import PRESETS, overlap_of
from server.media.frame import FRAME_MS, HEARD_RATE
from tests.virtual_time import run_virtual
from tests.voices import silence

LIMIT_S = 30
"""How long a call is. By then the agent has said everything, even when it was held back for a while."""
FIRST_REPLY = 1
"""The number of the answer that the sounds come over."""


def play(scene: Scene | None, stage: Stage, patience: Patience = "normal") -> Rehearsal:
    """Rehearse the call in which the scene happens, or for None the call in which the caller makes no sound."""

    async def call() -> Rehearsal:
        overlap = overlap_of(patience, OverlapSettings())
        rehearsal = Rehearsal(stage, CallSettings(overlap=overlap, idle_prompt_s=2 * LIMIT_S), greeting=AGENT_SAYS)
        before = silence(scene.onset_ms / 1000) + scene.pcm if scene else b""
        frames = in_a_room(before + silence(LIMIT_S - len(before) / (2 * HEARD_RATE)))
        echo = Loudspeaker(scene.echo_db, scene.echo_delay_ms, LIMIT_S) if scene and scene.echo_db is not None else None

        def sound(number: int) -> bytes:
            if scene is None or echo is None:
                return frames[number]
            if number:
                echo.say(rehearsal.heard[number - 1])
            back = echo.hear()
            return _mixed(frames[number], back) if number * FRAME_MS >= scene.echo_from_ms else frames[number]

        await rehearsal.play(sound, len(frames))
        return rehearsal

    return run_virtual(call())


def _mixed(frame: bytes, echo: bytes) -> bytes:
    mixed = np.frombuffer(frame, "<i2").astype(float) + np.frombuffer(echo, "<i2")
    return bytes(np.clip(mixed, -32_768, 32_767).astype("<i2"))


def outcome(scene: Scene, call: Rehearsal, undisturbed: Frames) -> SceneOutcome:
    """What the scene did in a call, compared with the undisturbed call."""
    responses = [(sent.at_ms, sent.message) for sent in call.sent if isinstance(sent.message, Response)]
    cuts = [at_ms for at_ms, said in responses if said.reply == FIRST_REPLY and said.interrupted]
    full_ms = LIMIT_S * 1000
    return SceneOutcome(
        scene,
        _words_known(call.sent, cuts[0] if cuts else full_ms),
        first_change(call.heard, undisturbed, scene.onset_ms),
        max(0, last_sound_ms(call.heard, cuts[0]) - scene.onset_ms) if cuts else None,
        cuts[0] - scene.onset_ms if cuts else None,
        0 if cuts else last_sound_ms(call.heard, full_ms) - last_sound_ms(undisturbed, full_ms),
        0 if cuts else lost_ms(call.heard, undisturbed),
        any(said.reply != FIRST_REPLY for _, said in responses),
    )


def _words_known(sent: Iterable[SentMessage], until_ms: float) -> str:
    """The caller's words as the client knew them at `until_ms`, when the judge decided."""
    known = [each.message.text for each in sent if isinstance(each.message, Transcription) and each.at_ms <= until_ms]
    return next((text for text in reversed(known) if text), "")


def _perform(patience: Patience, share: Sequence[Scene]) -> list[SceneOutcome]:
    """The outcomes of these scenes, in the process that calls this."""
    stage = Stage()
    undisturbed = play(None, stage).heard
    return [outcome(scene, play(scene, stage, patience), undisturbed) for scene in share]


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
        if found.stopped != found.scene.interrupts:
            yield found.scene.name, found.scene.kind, found.words, found.decided_ms, found.held_ms


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.overlap", description="What stops the agent, and what does not."
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes that play scenes")
    parser.add_argument("--every", type=int, default=1, help="take every n-th scene, for a quick look")
    parser.add_argument("--patience", choices=list(PRESETS), default="normal", help="how patient the agent is")
    given = parser.parse_args()
    outcomes = share_out(partial(_perform, given.patience), scenes()[:: given.every], given.jobs)
    kinds = dict(by_kind(outcomes))
    show("Wrong", ("sound", "kind", "heard as", "decided ms", "held ms"), wrong(outcomes))
    report(kinds)
    print(json.dumps(kinds))


if __name__ == "__main__":
    main()
