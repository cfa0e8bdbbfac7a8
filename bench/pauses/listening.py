"""Lets the server's real ears hear an utterance once, in a call in which no endpoint is ever taken."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bench.caller.microphone import trimmed
from bench.common.pool import share_out
from bench.common.rehearsal import Rehearsal, Stage, in_a_room
from bench.pauses.corpus import ScriptedUtterance
from bench.pauses.recorded import RecordedUtterance
from bench.pauses.trace import Moment, Spoken, Trace
from server.call.settings import CallSettings
from server.call.turns.endpoint import EndpointSettings
from server.media.frame import HEARD_RATE
from tests.virtual_time import run_virtual
from tests.voices import silence, speak_parts

LEAD_S = 0.5
"""The silence before the utterance."""
TAIL_S = 4.0
"""The silence after the utterance: longer than any wait that is tried, plus the time that speech-to-text needs."""
FADE_SAMPLES = HEARD_RATE * 30 // 1000
"""How long a voice takes to die away: 30 ms."""
NEVER_MS = 1_000_000
_PATIENT = EndpointSettings(
    **{name: NEVER_MS for name in EndpointSettings.model_fields if name.endswith("_ms") and name != "prepare_ms"}
)


Say = Callable[[ScriptedUtterance], tuple[bytes, ...]]
"""A text-to-speech engine: it gives 16 kHz PCM for each part of an utterance."""


def by_espeak(spoken: ScriptedUtterance) -> tuple[bytes, ...]:
    """The text-to-speech engine eSpeak NG."""
    return speak_parts(spoken.marked, spoken.voice, HEARD_RATE, spoken.speed, spoken.pitch)


def sound(spoken: ScriptedUtterance, say: Say = by_espeak) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """16 kHz PCM of the utterance with silence before and after it, and the first and the last ms of each part."""
    pcm, parts_ms = silence(LEAD_S), []
    after_s = [*(pause.ms / 1000 for pause in spoken.pauses), TAIL_S]
    for part, silence_s in zip(say(spoken), after_s, strict=True):
        said = faded(trimmed(part))
        parts_ms.append((_ms(pcm), _ms(pcm + said)))
        pcm += said + silence(silence_s)
    return pcm, tuple(parts_ms)


def faded(pcm: bytes) -> bytes:
    """The sound with its end faded out. A part is cut out of a sentence, but a real voice dies away within some ms."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    count = min(len(samples), FADE_SAMPLES)
    samples[len(samples) - count :] *= np.linspace(1, 0, count)
    return samples.astype("<i2").tobytes()


def _ms(pcm: bytes) -> int:
    return len(pcm) * 1000 // (2 * HEARD_RATE)


def traced(spoken: Spoken, pcm: bytes, parts_ms: tuple[tuple[int, int], ...], stage: Stage) -> Trace:
    """Let a session hear the utterance, and note after every frame what an endpoint would be decided from."""

    async def scene() -> Trace:
        frames = in_a_room(pcm)
        rehearsal = Rehearsal(stage, CallSettings(endpoint=_PATIENT), agent_said=spoken.agent_text)
        dialogue = rehearsal.session.dialogue
        moments: list[Moment | None] = []

        def note() -> None:
            heard, ears = dialogue.utterances.present, dialogue.ears
            silence_ms = ears.voicing.silence_ms
            over = ears.sound.over if silence_ms else None
            moments.append(None if heard is None else Moment(silence_ms, heard.text, over))

        await rehearsal.play(frames.__getitem__, len(frames), note)
        return Trace(spoken, parts_ms, tuple(moments))

    return run_virtual(scene())


def listen(corpus: Sequence[ScriptedUtterance], jobs: int, say: Say = by_espeak) -> list[Trace]:
    """The traces of synthetic utterances, heard by the embedded speech-to-text in `jobs` processes."""
    return share_out(partial(_listen, say), corpus, jobs)


def listen_to_people(corpus: Sequence[RecordedUtterance], jobs: int, models: Path, language: str) -> list[Trace]:
    """The traces of recordings, heard by the engines that a server chooses with these models."""
    return share_out(partial(_listen_to_people, models, language), corpus, jobs)


def listen_in(language: str, corpus: Sequence[ScriptedUtterance], jobs: int, models: Path) -> list[Trace]:
    """The traces of synthetic utterances, heard by the engines that a server chooses with these models."""
    return share_out(partial(_listen_in, language, models), corpus, jobs)


def _listen_in(language: str, models: Path, share: Sequence[ScriptedUtterance]) -> list[Trace]:
    stage = Stage(models, language)
    return [traced(spoken, *sound(spoken), stage) for spoken in share]


def _listen(say: Say, share: Sequence[ScriptedUtterance]) -> list[Trace]:
    stage = Stage()
    return [traced(spoken, *sound(spoken, say), stage) for spoken in share]


def _listen_to_people(models: Path, language: str, share: Sequence[RecordedUtterance]) -> list[Trace]:
    stage = Stage(models, language)
    return [traced(spoken, spoken.sound(TAIL_S), spoken.parts_ms, stage) for spoken in share]
