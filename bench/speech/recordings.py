"""Recordings of people, as speech-to-text gets them from a call.

A folder of recordings has `utterances.json`, a list of {"id": …, "text": …, "set": …}, and `utterances/ID.flac`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from bench.understanding import through_opus
from server.call.ears.voicing import Voicing, VoicingSettings
from server.media.frame import FRAME_MS, HEARD_RATE
from server.speech.vad import CallVad, Silero
from tests.voices import silence

_FRAME_BYTES = 2 * HEARD_RATE * FRAME_MS // 1000
_BEFORE = 400 // FRAME_MS
_AFTER = 80 // FRAME_MS
"""How many frames before the voice and after it belong to an utterance when a call first asks for its words."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording. `pcm` is 16 kHz."""

    name: str
    kind: str
    text: str
    pcm: bytes

    @property
    def seconds(self) -> float:
        return len(self.pcm) / (2 * HEARD_RATE)


def people(folder: Path) -> Iterator[Clip]:
    """Each recording in the folder, through Opus at 32 kb/s and cut as a call cuts it. `kind` is the entry's "set"."""
    silero = Silero()
    for entry in json.loads((folder / "utterances.json").read_text(encoding="utf-8")):
        pcm = as_16_khz(folder / "utterances" / f"{entry['id']}.flac")
        yield Clip(entry["id"], entry["set"], entry["text"], as_heard(pcm, CallVad(silero)))


def as_heard(pcm: bytes, vad: CallVad) -> bytes:
    """What a call takes of the sound: from shortly before its first voice to shortly after its last."""
    pcm = through_opus(silence(0.6) + pcm + silence(0.5))
    frames = [pcm[at : at + _FRAME_BYTES] for at in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES)]
    voicing = Voicing(VoicingSettings())
    voiced = []
    for place, frame in enumerate(frames):
        voicing.receive(vad.probability(frame))
        if voicing.active and voicing.voiced:
            voiced.append(place)
    if not voiced:
        return pcm
    return b"".join(frames[max(0, voiced[0] - _BEFORE) : voiced[-1] + 1 + _AFTER])


def as_16_khz(path: Path) -> bytes:
    """The sound of a file, as 16 kHz PCM."""
    resampler = av.AudioResampler("s16", "mono", HEARD_RATE)
    with av.open(str(path)) as file:
        frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return b"".join(frame.to_ndarray().tobytes() for frame in frames)
