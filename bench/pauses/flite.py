"""Speaks by Flite (Debian's package `flite`), whose voices are made from recordings of people."""

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

from bench.pauses.corpus import ScriptedUtterance
from server.media.frame import HEARD_RATE
from tests.voices import resample

PROGRAM = shutil.which("flite")
_PAUSE = "pau"
"""The name that Flite gives to silence among its phones."""


def flite_parts(spoken: ScriptedUtterance, voice: str) -> tuple[bytes, ...]:
    """16 kHz PCM of each part: the whole sentence, cut where it pauses.

    Flite has only one speed. Its tune comes from the punctuation.
    """
    text = " ".join(spoken.marked)
    segments, pcm = _run(text if text.endswith("?") else f"{text}.", voice, "-psdur")
    ends_s = [float(end) for name, end in (segment.rsplit(":", 1) for segment in segments) if name != _PAUSE]
    cuts = [2 * round(HEARD_RATE * ends_s[_phones(spoken, count, voice) - 1]) for count in range(1, len(spoken.parts))]
    return tuple(pcm[start:end] for start, end in zip([0, *cuts], [*cuts, len(pcm)], strict=True))


def _phones(spoken: ScriptedUtterance, count: int, voice: str) -> int:
    """The number of phones in the first `count` parts."""
    phones, _ = _run(" ".join(spoken.marked[:count]), voice, "-ps")
    return sum(phone != _PAUSE for phone in phones)


def _run(text: str, voice: str, what: str) -> tuple[list[str], bytes]:
    """What Flite prints with the option `what`, split at white space, and its sound as 16 kHz PCM."""
    if PROGRAM is None:
        raise SystemExit("flite is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        command = [PROGRAM, "-voice", voice, what, "-t", text, "-o", str(path)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
        with wave.open(str(path)) as file:
            pcm = resample(file.readframes(file.getnframes()), file.getframerate(), HEARD_RATE)
    return printed.split(), pcm
