"""Recordings of people, as benches take them.

A folder of recordings has some of these; each is optional for a bench that does not need it:

utterances.json   a list of {"id": …, "text": …, "set": …, "speaker": …}, and utterances/ID.flac
orders.json       a list of {"id": …, "speech_ms": [[start, end], …], "pauses_ms": […]}, and orders/ID.flac
meetings/         ID.flac, people who talk with each other, and .rttm files that tell who speaks when
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from bench.common.halves import Half, half_of
from bench.common.opus import through_opus
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


def people(folder: Path, half: Half = "all") -> Iterator[Clip]:
    """Each utterance in the folder, cut as a call cuts it."""
    silero = Silero()
    for clip in utterances(folder, half):
        yield Clip(clip.name, clip.kind, clip.text, as_heard(clip.pcm, CallVad(silero)))


def utterances(folder: Path, half: Half = "all") -> Iterator[Clip]:
    """Each utterance in the folder as it was recorded. `kind` is the entry's "set"."""
    if not (folder / "utterances.json").is_file():
        raise SystemExit(f"there is no utterances.json in {folder}: see bench/speech/recordings.py")
    for entry in _entries(folder, "utterances", half):
        yield Clip(entry["id"], entry.get("set", ""), entry["text"], _sound(folder / "utterances", entry))


def orders(folder: Path, half: Half = "all") -> Iterator[Clip]:
    """Each order in the folder, whose words are not known, from its first word to its last. There may be none."""
    for entry in _entries(folder, "orders", half):
        start, end = (2 * HEARD_RATE // 1000 * ms for ms in (entry["speech_ms"][0][0], entry["speech_ms"][-1][1]))
        yield Clip(entry["id"], "orders", "", _sound(folder / "orders", entry)[start:end])


def meetings(folder: Path, half: Half = "all") -> Iterator[Clip]:
    """Each meeting in the folder of which an .rttm file knows the speakers."""
    files = sorted((folder / "meetings").glob("*.rttm"))
    lines = [line.split() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    names = sorted({line[1] for line in lines if len(line) > 1})
    entries = [{"id": name} for name in names if (folder / "meetings" / f"{name}.flac").is_file()]
    for entry in half_of(entries, half):
        yield Clip(entry["id"], "meeting", "", _sound(folder / "meetings", entry))


def _entries(folder: Path, name: str, half: Half) -> list[dict[str, Any]]:
    file = folder / f"{name}.json"
    return half_of(json.loads(file.read_text(encoding="utf-8")), half) if file.is_file() else []


def _sound(folder: Path, entry: dict[str, Any]) -> bytes:
    return as_16_khz(folder / f"{entry['id']}.flac")


def as_heard(pcm: bytes, vad: CallVad) -> bytes:
    """What a call takes of the sound, through Opus: from shortly before its first voice to shortly after its last."""
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
