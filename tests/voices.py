"""Speech for tests, made with the eSpeak NG library that comes with `espeakng-loader`."""

import ctypes
import functools
import shutil
import tempfile
from collections.abc import Sequence

import espeakng_loader
import numpy as np

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_PHONEMES = 0x100
_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_END_OF_EVENTS, _WORD = 0, 1  # espeak_EVENT_TYPE


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h: tells which words are in the samples that come with it."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # in ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Library:
    """One copy of libespeak-ng. A copy has one voice and one callback for everybody who has loaded the same file."""

    def __init__(self, path: str) -> None:
        self.chunks: list[bytes] = []
        self.words_ms: dict[int, int] = {}
        self._call = ctypes.CDLL(path)
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz: int = self._call.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
        self._callback = _CALLBACK(self._on_samples)
        self._call.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, words_per_minute: int, pitch: int) -> bytes:
        language, plus, variant = voice.partition("+")
        by_name = "en" if language == "en-gb" else language  # the file of this one voice has another name than its tag
        if self._call.espeak_SetVoiceByName(f"{by_name}{plus}{variant}".encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {voice}")
        self._call.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._call.espeak_SetParameter(_PITCH, pitch, 0)
        self.chunks.clear()
        self.words_ms.clear()
        encoded = text.encode() + b"\0"
        self._call.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 0, 0, _CHARS_UTF8 | _PHONEMES, None, None)
        self._call.espeak_Synchronize()
        return b"".join(self.chunks)

    def _on_samples(self, samples, count, events) -> int:  # type: ignore[no-untyped-def]
        if samples and count:
            self.chunks.append(ctypes.string_at(samples, 2 * count))
        number = 0
        while events and events[number].type != _END_OF_EVENTS:
            if events[number].type == _WORD:
                self.words_ms[events[number].text_position - 1] = events[number].audio_position
            number += 1
        return 0


@functools.lru_cache(maxsize=256)
def speak(text: str, voice: str = "en-us", rate_hz: int = 16_000, speed: int = 150, pitch: int = 50) -> bytes:
    """`text` as mono signed 16-bit PCM.

    Text between [[ and ]] is read as eSpeak's phonemes. `voice` may have a variant, as "en-gb+f3". `speed` is in words
    per minute, `pitch` is 0..99.
    """
    return _spoken(text, voice, rate_hz, speed, pitch)[0]


@functools.lru_cache(maxsize=256)
def speak_parts(
    parts: tuple[str, ...], voice: str = "en-us", rate_hz: int = 16_000, speed: int = 150, pitch: int = 50
) -> tuple[bytes, ...]:
    """One sentence, spoken as a whole and then cut between its parts, so that only the last part sounds like an end."""
    text = " ".join(parts)
    pcm, words_ms = _spoken(text, voice, rate_hz, speed, pitch)
    starts = [len(" ".join(parts[:number])) + 1 for number in range(1, len(parts))]
    cuts = [2 * round(rate_hz * words_ms[start] / 1000) for start in starts]
    return tuple(pcm[a:b] for a, b in zip([0, *cuts], [*cuts, len(pcm)], strict=True))


def _spoken(text: str, voice: str, rate_hz: int, speed: int, pitch: int) -> tuple[bytes, dict[int, int]]:
    """The PCM, and for each word's position in the text the time in ms at which it begins."""
    # Use a new copy of the library each time, because earlier speech changes how a voice trembles.
    with tempfile.TemporaryDirectory() as folder:
        library = _Library(shutil.copy(espeakng_loader.get_library_path(), folder))
        pcm = resample(library.speak(text, voice, speed, pitch), library.rate_hz, rate_hz)
        return pcm, dict(library.words_ms)


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """The same sound at another sample rate, computed through the spectrum of the whole sound."""
    samples = np.frombuffer(pcm, "<i2")
    if from_hz == to_hz or not len(samples):
        return pcm
    count = round(len(samples) * to_hz / from_hz)
    spectrum = np.fft.rfft(samples)
    resampled = np.zeros(count // 2 + 1, complex)
    kept = min(len(resampled), len(spectrum))
    resampled[:kept] = spectrum[:kept]
    return np.clip(np.fft.irfft(resampled, count) * count / len(samples), -32768, 32767).astype("<i2").tobytes()


def hum(frames_hz: Sequence[float], level: float = 6_000, rate_hz: int = 16_000) -> bytes:
    """A voice without words: 20 ms at each of these pitches, gliding from one to the next, with a voice's overtones."""
    count = len(frames_hz) * rate_hz // 50
    middles = (np.arange(len(frames_hz)) + 0.5) * (rate_hz // 50)
    phase = 2 * np.pi * np.cumsum(np.interp(np.arange(count), middles, frames_hz)) / rate_hz
    sound = sum(np.sin(overtone * phase) / overtone for overtone in range(1, 11))
    return (level * np.asarray(sound)).clip(-32768, 32767).astype("<i2").tobytes()


def silence(seconds: float, rate_hz: int = 16_000) -> bytes:
    return bytes(2 * round(seconds * rate_hz))
