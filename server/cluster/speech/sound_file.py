"""Reads the sound that a client has sent, in any format that FFmpeg decodes."""

import io

import av
from av.error import FFmpegError

from server.errors import PeerError, TooLarge
from server.media.frame import HEARD_RATE

FORMATS = "wav,w64,flac,ogg,mp3,mp2,aac,mov,matroska,webm,aiff,caf,amr,au"
"""The formats of files that are read, by the names of FFmpeg's demuxers. Those that name other files or addresses, such
as playlists, are left out: a client could have the server read them."""
PROTOCOLS = "none"
"""FFmpeg opens nothing for a file that it reads."""
LONGEST_S = 600
"""The longest sound. Whisper on one core of a CPU needs half a minute for it."""
LEAST_RATE = 4_000
"""The lowest sample rate in Hz. At 1 Hz, which some formats allow, a small frame would become gigabytes of sound."""
_LONGEST_BYTES = 2 * HEARD_RATE * LONGEST_S


def decoded(data: bytes) -> bytes:
    """The first track of sound as 16 kHz mono s16le.

    Raises PeerError when the data is no sound that can be read, and TooLarge when it is longer than LONGEST_S. Takes
    some ms for each second of sound.
    """
    pcm = bytearray()
    try:
        with av.open(
            io.BytesIO(data), "r", container_options={"format_whitelist": FORMATS, "protocol_whitelist": PROTOCOLS}
        ) as file:
            if not file.streams.audio:
                raise PeerError("There is no sound in the file.")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARD_RATE)
            for frame in file.decode(file.streams.audio[0]):
                if frame.sample_rate < LEAST_RATE:
                    raise PeerError(f"The sample rate is below {LEAST_RATE} Hz.")
                _add(pcm, resampler.resample(frame))
            _add(pcm, resampler.resample(None))
    except (FFmpegError, ValueError, OverflowError, MemoryError) as exc:
        raise PeerError("The file is no sound that can be read here.") from exc
    if not pcm:
        raise PeerError("There is no sound in the file.")
    return bytes(pcm)


def _add(pcm: bytearray, frames: list[av.AudioFrame]) -> None:
    for frame in frames:
        pcm += bytes(frame.planes[0])[: 2 * frame.samples]  # a plane may be longer
    if len(pcm) > _LONGEST_BYTES:
        raise TooLarge(f"The sound is longer than {LONGEST_S} s.")
