"""Writes a folder of recordings for tests, in the form that benches take."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np

from server.media.frame import HEARD_RATE


def write_utterances(folder: Path, entries: Sequence[Mapping[str, str]], sounds: Sequence[bytes]) -> None:
    """utterances.json with these entries, and the sound of each, which is 16 kHz PCM."""
    (folder / "utterances.json").write_text(json.dumps(list(entries)), encoding="utf-8")
    for entry, pcm in zip(entries, sounds, strict=True):
        write_flac(folder / "utterances" / f"{entry['id']}.flac", pcm)


def write_flac(path: Path, pcm: bytes) -> None:
    """A file of mono sound at 16 kHz, in a folder that is made where it is missing."""
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("flac", rate=HEARD_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2")[None, :], format="s16", layout="mono")
        frame.sample_rate = HEARD_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
