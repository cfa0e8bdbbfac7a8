"""Plays a scene over an agent that speaks, through the real session, and tells what it did."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.common.rehearsal import Rehearsal, SentMessage, Stage, in_a_room
from bench.overlap.loudspeaker import Loudspeaker
from bench.overlap.outcome import Frames, SceneOutcome, first_change, last_sound_ms, lost_ms
from bench.overlap.radio import RadioOutcome, RadioScene, play_radio
from bench.overlap.scenes import AGENT_SAYS, Scene
from bench.speech.levels import mixed
from server.call.messages import Response, Transcription
from server.call.options import Patience
from server.call.settings import CallSettings
from server.call.turns.overlap import OverlapSettings
from server.call.turns.patience import overlap_of
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
            return mixed(frames[number], back) if number * FRAME_MS >= scene.echo_from_ms else frames[number]

        await rehearsal.play(sound, len(frames))
        return rehearsal

    return run_virtual(call())


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


def perform(
    models: Path | None, patience: Patience, share: Sequence[Scene | RadioScene]
) -> list[SceneOutcome | RadioOutcome]:
    """The outcomes of these scenes, in the process that calls this."""
    stage = Stage(models)
    undisturbed = play(None, stage).heard
    return [
        outcome(scene, play(scene, stage, patience), undisturbed)
        if isinstance(scene, Scene)
        else play_radio(scene, stage, patience)
        for scene in share
    ]
