"""Encodes and decodes Opus with libopus, called by ctypes.

PyAV's wrapper of libopus cannot decode straight to 16 kHz mono, use in-band FEC or conceal losses. The library is the
one inside PyAV's wheel. If PyAV was built without it, it is the system's; that one is looked for last, because looking
for it starts processes and takes time.

Each coder belongs to one call and is used from one thread. RFC 6716 describes the codec, RFC 7587 its RTP payload.
"""

import ctypes
import ctypes.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av

from server.errors import ConfigError, PeerError
from server.media.frame import HEARD_RATE, HEARD_SAMPLES, SPOKEN_RATE, SPOKEN_SAMPLES

MAX_PACKET_SAMPLES = HEARD_RATE * 120 // 1000
"""How many 16 kHz samples the longest packet has: 120 ms (RFC 6716, section 3.2.5)."""
MAX_PACKET_BYTES = 1_275
"""How many bytes one encoded frame has at most (RFC 6716, section 3.2.1)."""
SILENCE_PACKET = b"\xd8"
"""A packet of 20 ms in which nothing is coded (RFC 6716, section 3.1: CELT, super-wideband, mono, one frame of no
bytes)."""

_NO_PACKET = "The sound is not a packet of Opus."
_APPLICATION_AUDIO = 2049
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_PACKET_LOSS_PERC, _SET_SIGNAL = 4002, 4010, 4012, 4014, 4024
_SIGNAL_VOICE, _SIGNAL_MUSIC = 3001, 3002


@dataclass(frozen=True, slots=True)
class _Mode:
    """A way to encode. The encoder changes from one to another without a break in the sound."""

    signal: int
    """What the encoder takes the sound for. At our bit rates it codes music with CELT. It codes a voice with SILK up to
    8 kHz, and with CELT above. Only SILK can carry copies of the sound before (in-band FEC)."""
    copies: bool
    bitrate: int
    complexity: int
    """How hard the encoder works, up to 10."""


_GOOD_LINE = _Mode(_SIGNAL_MUSIC, copies=False, bitrate=32_000, complexity=5)
"""A mono voice sounds like the original with this bit rate, and the same as with complexity 10, in a third of the time.
SILK would take three times as long, and be less near to the original."""
_BAD_LINE = _Mode(_SIGNAL_VOICE, copies=True, bitrate=40_000, complexity=1)
"""The copies need more bits. Complexity 5 would take twice as long, and sound hardly better."""


def _paths() -> Iterator[str]:
    """The places where libopus may be, in the order in which they are tried."""
    yield from (str(path) for path in sorted((Path(av.__file__).parent.parent / "av.libs").glob("libopus*")))
    if system := ctypes.util.find_library("opus"):
        yield system


@cache
def _library() -> ctypes.CDLL:
    """Load libopus, once for the process. Raises ConfigError if it cannot be found."""
    for path in _paths():
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        library.opus_decoder_create.restype = library.opus_encoder_create.restype = ctypes.c_void_p
        library.opus_decoder_destroy.argtypes = library.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
        library.opus_decode.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_char_p, ctypes.c_int, ctypes.c_int,
        ]  # fmt: skip
        library.opus_encode.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int32,
        ]  # fmt: skip
        library.opus_encoder_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int]  # a third argument depends on the request
        return library
    raise ConfigError("libopus was not found: install Debian's libopus0, or PyAV from its wheel")


def has_copy(packet: bytes) -> bool:
    """Whether a packet carries a copy of the sound before it (in-band FEC; RFC 6716, sections 3.1 and 4.2.4).

    Returns False for a packet of several frames: they are not looked into.
    """
    if len(packet) < 3 or packet[0] & 0x83:  # a packet that is coded only by CELT has no copy
        return False
    mode, channels = packet[0] >> 3, 1 + (packet[0] >> 2 & 1)
    frames = (1, 1, 2, 3)[mode & 3] if mode < 12 else 1
    return any(packet[1] & 0x80 >> (channel + 1) * (frames + 1) - 1 for channel in range(channels))


class OpusDecoder:
    """Turns Opus packets of any length and number of channels into 16 kHz mono PCM."""

    def __init__(self) -> None:
        self._opus = _library()
        error = ctypes.c_int()
        self._decoder = self._opus.opus_decoder_create(HEARD_RATE, 1, ctypes.byref(error))
        if error.value != 0:
            raise MemoryError(f"opus_decoder_create failed: {error.value}")
        self._pcm = ctypes.create_string_buffer(2 * MAX_PACKET_SAMPLES)

    def decode(self, packet: bytes) -> bytes:
        """Return the packet's sound. Raises PeerError if it is not Opus."""
        if not packet:
            raise PeerError(_NO_PACKET)  # libopus would make up 120 ms of sound
        return self._decode(packet, MAX_PACKET_SAMPLES, fec=0)

    def recover(self, following: bytes, samples: int = HEARD_SAMPLES) -> bytes:
        """Return the sound of the lost packet before `following`: the copy in it, or made-up sound if it has no copy.

        `samples` is how many 16 kHz samples the lost packet had. It must be a multiple of 2.5 ms.
        """
        return self._decode(following, samples, fec=1)

    def conceal(self) -> bytes:
        """Make up 20 ms of lost sound from the sound before it. It fades if it is called again and again."""
        return self._decode(None, HEARD_SAMPLES, fec=0)

    def _decode(self, packet: bytes | None, samples: int, fec: int) -> bytes:
        length = len(packet) if packet else 0
        count = self._opus.opus_decode(self._decoder, packet, length, self._pcm, samples, fec)
        if count < 0:
            raise PeerError(_NO_PACKET)
        return self._pcm.raw[: 2 * count]

    def __del__(self) -> None:
        if getattr(self, "_decoder", None):
            self._opus.opus_decoder_destroy(self._decoder)


class OpusEncoder:
    """Turns 20 ms frames of 24 kHz mono PCM into Opus packets, with 6.5 ms of look-ahead.

    4 ms of the look-ahead are the price for being able to change to SILK and back. A mode without it, for low delay
    only, could never carry copies.
    """

    def __init__(self) -> None:
        self._opus = _library()
        error = ctypes.c_int()
        self._encoder = self._opus.opus_encoder_create(SPOKEN_RATE, 1, _APPLICATION_AUDIO, ctypes.byref(error))
        if error.value != 0:
            raise MemoryError(f"opus_encoder_create failed: {error.value}")
        self._packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)
        self._loss_percent = -1
        self.expect_loss(0)

    def expect_loss(self, percent: int) -> None:
        """Encode for a line that loses this many percent of the packets, from the next frame on.

        If it loses any, each packet with a voice carries a copy of the sound before it.
        """
        if percent == self._loss_percent:
            return
        self._loss_percent = percent
        mode = _BAD_LINE if percent else _GOOD_LINE
        for request, value in [
            (_SET_SIGNAL, mode.signal), (_SET_BITRATE, mode.bitrate), (_SET_COMPLEXITY, mode.complexity),
            (_SET_INBAND_FEC, mode.copies), (_SET_PACKET_LOSS_PERC, percent),
        ]:  # fmt: skip
            self._opus.opus_encoder_ctl(self._encoder, request, ctypes.c_int(value))

    def encode(self, pcm: bytes) -> bytes:
        """Encode one frame as one packet."""
        assert len(pcm) == 2 * SPOKEN_SAMPLES, "because playout cuts the sound into frames of 20 ms"
        count = self._opus.opus_encode(self._encoder, pcm, SPOKEN_SAMPLES, self._packet, MAX_PACKET_BYTES)
        assert count > 0, "because every setting above is valid"
        return self._packet.raw[:count]

    def __del__(self) -> None:
        if getattr(self, "_encoder", None):
            self._opus.opus_encoder_destroy(self._encoder)
