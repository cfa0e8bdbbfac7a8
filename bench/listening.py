"""Lets the server's real ears hear an utterance of the corpus, once, with no endpoint ever taken."""

from collections.abc import Sequence

from bench.corpus import Spoken
from bench.microphone import trimmed
from bench.pool import share_out
from bench.rehearsal import Rehearsal, Stage, in_a_room
from bench.trace import Moment, Trace
from server.call.endpoint import EndpointSettings
from server.call.settings import CallSettings
from server.media.frame import HEARD_RATE
from tests.virtual_time import run_virtual
from tests.voices import silence, speak

LEAD_S = 0.5
TAIL_S = 4.0
"""Longer than any wait that is tried, and the time that speech-to-text needs."""
NEVER_MS = 1_000_000
_PATIENT = EndpointSettings(
    complete_ms=NEVER_MS, single_ms=NEVER_MS, number_ms=NEVER_MS, open_ms=NEVER_MS, nothing_ms=NEVER_MS
)


def sound(spoken: Spoken) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """16 kHz PCM of the utterance between silences, and the first and last ms of each part."""
    pcm, parts_ms = silence(LEAD_S), []
    for number, part in enumerate(spoken.parts):
        more = number < len(spoken.pauses)
        said = trimmed(speak(f"{part}," if more else part, spoken.voice, HEARD_RATE, spoken.speed))
        parts_ms.append((_ms(pcm), _ms(pcm + said)))
        pcm += said + silence(spoken.pauses[number].ms / 1000 if more else TAIL_S)
    return pcm, tuple(parts_ms)


def _ms(pcm: bytes) -> int:
    return len(pcm) * 1000 // (2 * HEARD_RATE)


def traced(spoken: Spoken, stage: Stage) -> Trace:
    """Ears, preparation and words are the session's own; what its decision looks at is noted after every frame."""

    async def scene() -> Trace:
        pcm, parts_ms = sound(spoken)
        frames = in_a_room(pcm)
        rehearsal = Rehearsal(stage, CallSettings(endpoint=_PATIENT))
        ears = rehearsal.session._ears  # what the endpoint is decided from has no public view
        moments: list[Moment | None] = []

        def note() -> None:
            heard = ears.utterance
            silence_ms, usual_ms = ears.voicing.silence_ms, ears.usual_pause_ms
            moments.append(None if heard is None else Moment(silence_ms, heard.text, usual_ms))

        await rehearsal.play(frames.__getitem__, len(frames), note)
        return Trace(spoken, parts_ms, tuple(moments))

    return run_virtual(scene())


def listen(corpus: Sequence[Spoken], jobs: int) -> list[Trace]:
    """All of it, by so many processes."""
    return share_out(_listen, corpus, jobs)


def _listen(share: Sequence[Spoken]) -> list[Trace]:
    stage = Stage()
    return [traced(spoken, stage) for spoken in share]
