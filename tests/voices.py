"""Speech for tests, made by the eSpeak NG library that comes with `espeakng-loader`."""

import ctypes
import functools
import shutil
import tempfile

import espeakng_loader
import numpy as np

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_PHONEMES = 0x100
_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Library:
    """libespeak-ng has one voice and one callback for all that have loaded the same file."""

    def __init__(self, path: str) -> None:
        self.chunks: list[bytes] = []
        self._call = ctypes.CDLL(path)
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz: int = self._call.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
        self._callback = _CALLBACK(self._on_samples)
        self._call.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, words_per_minute: int, pitch: int) -> bytes:
        language, plus, variant = voice.partition("+")
        by_name = "en" if language == "en-gb" else language  # the one English that its file's name does not tell
        if self._call.espeak_SetVoiceByName(f"{by_name}{plus}{variant}".encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {voice}")
        self._call.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._call.espeak_SetParameter(_PITCH, pitch, 0)
        self.chunks.clear()
        encoded = text.encode() + b"\0"
        self._call.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 0, 0, _CHARS_UTF8 | _PHONEMES, None, None)
        self._call.espeak_Synchronize()
        return b"".join(self.chunks)

    def _on_samples(self, samples, count, _events) -> int:  # type: ignore[no-untyped-def]
        if samples and count:
            self.chunks.append(ctypes.string_at(samples, 2 * count))
        return 0


@functools.lru_cache(maxsize=256)
def speak(text: str, voice: str = "en-us", rate_hz: int = 16_000, speed: int = 150, pitch: int = 50) -> bytes:
    """`text` as mono signed 16-bit PCM.

    Between [[ and ]] it is eSpeak's phonemes. `voice` may have a variant, "en-gb+f3"; `speed` is in words a minute,
    `pitch` is 0..99.
    """
    # A library of its own each time, because what was spoken before changes how a voice trembles.
    with tempfile.TemporaryDirectory() as folder:
        library = _Library(shutil.copy(espeakng_loader.get_library_path(), folder))
        return resample(library.speak(text, voice, speed, pitch), library.rate_hz, rate_hz)


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """The same sound at another rate, by the spectrum of the whole of it."""
    samples = np.frombuffer(pcm, "<i2")
    if from_hz == to_hz or not len(samples):
        return pcm
    count = round(len(samples) * to_hz / from_hz)
    spectrum = np.fft.rfft(samples)
    resampled = np.zeros(count // 2 + 1, complex)
    kept = min(len(resampled), len(spectrum))
    resampled[:kept] = spectrum[:kept]
    return np.clip(np.fft.irfft(resampled, count) * count / len(samples), -32768, 32767).astype("<i2").tobytes()


def silence(seconds: float, rate_hz: int = 16_000) -> bytes:
    return bytes(2 * round(seconds * rate_hz))
