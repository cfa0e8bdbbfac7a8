"""Encodes and decodes G.711 (ITU-T), the codec of telephone networks: 8 kHz, one byte per sample.

It has two variants ("laws"): PCMU and PCMA. RFC 3551, section 4.5.14, describes them as RTP payloads.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from server.media.frame import HEARD_BYTES, HEARD_RATE, SPOKEN_RATE
from server.media.resample import Resampler

RATE = 8_000
Law = Literal["PCMU", "PCMA"]


def law(name: str) -> Law:
    """Return the law with this SDP name, in upper or lower case. Raises ValueError for any other name."""
    match name.upper():
        case "PCMU":
            return "PCMU"
        case "PCMA":
            return "PCMA"
    raise ValueError(f"{name} is not a law of G.711")


def _expand_u(code: NDArray[np.int32]) -> NDArray[np.int32]:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude)


def _expand_a(code: NDArray[np.int32]) -> NDArray[np.int32]:
    code = code ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, mantissa + 0x108 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude)


def _compressor(table: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Build the table that encodes: for each 16-bit sample, read as an unsigned index, the code with the nearest value.

    PCMU has two codes for zero; the table uses 0xFF.
    """
    values, backward = np.unique(table[::-1].astype(np.int32), return_index=True)
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    right = np.clip(np.searchsorted(values, samples), 1, len(values) - 1)
    nearer_left = samples - values[right - 1] < values[right] - samples
    nearest: NDArray[np.uint8] = (255 - backward[right - nearer_left]).astype(np.uint8)
    return nearest


_CODES = np.arange(256, dtype=np.int32)
_EXPAND = {"PCMU": _expand_u(_CODES).astype(np.int16), "PCMA": _expand_a(_CODES).astype(np.int16)}
_COMPRESS = {law: _compressor(table) for law, table in _EXPAND.items()}


class G711Decoder:
    """Turns payloads into 16 kHz mono PCM of the same length, delayed by 2 ms."""

    def __init__(self, law: Law) -> None:
        self._table = _EXPAND[law]
        self._resampler = Resampler(RATE, HEARD_RATE)
        self._last = bytes(HEARD_BYTES)

    def decode(self, payload: bytes) -> bytes:
        pcm = self._resampler.convert(self._table[np.frombuffer(payload, np.uint8)].tobytes())
        # The resampler holds 2 ms back at the start: put silence in their place.
        pcm = bytes(max(0, 2 * len(payload) * HEARD_RATE // RATE - len(pcm))) + pcm
        self._last = (self._last + pcm)[-HEARD_BYTES:]
        return pcm

    def conceal(self) -> bytes:
        """Return 20 ms in place of lost sound: the last 20 ms, half as loud. G.711, appendix I, is more complex."""
        self._last = (np.frombuffer(self._last, np.int16) // 2).astype(np.int16).tobytes()
        return self._last


class G711Encoder:
    """Turns 24 kHz mono PCM into payloads of the same length, delayed by 2 ms."""

    def __init__(self, law: Law) -> None:
        self._table = _COMPRESS[law]
        self._resampler = Resampler(SPOKEN_RATE, RATE)

    def encode(self, pcm: bytes) -> bytes:
        converted = self._resampler.convert(pcm)
        lag = max(0, len(pcm) * RATE // SPOKEN_RATE - len(converted))  # only at the start, when 2 ms are held back
        return self._table[np.frombuffer(bytes(lag) + converted, np.uint16)].tobytes()
