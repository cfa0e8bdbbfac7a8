"""eSpeak NG text-to-speech. It needs no model: the Python package `espeakng_loader` brings the C library and its data.

The library has one voice and one callback for the whole process, so a process may use one Engine, on one thread.
Source of names and numbers: `speak_lib.h` of eSpeak NG 1.52.
"""

import ctypes
import itertools
import logging
from collections.abc import Iterator

import espeakng_loader

from server.errors import ConfigError

log = logging.getLogger(__name__)

_AUDIO_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: the callback gets all sound before espeak_Synth returns
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: return an error when data is missing, do not end the process
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE, _RANGE = 1, 4  # espeak_PARAMETER

VOICE = "en-us"
"""The default voice: the English voice that is easiest to understand on a telephone."""
WORDS_PER_MINUTE = 165
INTONATION = 65
"""How much the pitch moves. eSpeak's default is 50, which sounds as if a list is read."""
_SILENT_BELOW = 64  # of 32767; a voice begins with some ms that are quieter than this


class _Voice(ctypes.Structure):
    """espeak_VOICE."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # for each: one byte of priority (lowest is best), then the tag; 0 at the end
        ("identifier", ctypes.c_char_p),  # its file, such as b"gmw/en-US"
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("padding", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class Engine:
    """A TextToSpeechEngine. It takes about 1 ms for a second of sound."""

    name = "espeak"

    def __init__(self, model: str | None = None, *, speed: float = 1.0) -> None:
        """`model` is the default voice: a name such as "en-gb", or with a variant "en-gb+f3".

        `speed` is how fast it speaks; 1.0 is WORDS_PER_MINUTE.
        """
        self._words_per_minute = round(WORDS_PER_MINUTE * speed)
        self._chunks: list[bytes] = []
        self._callback = _Callback(self._collect)  # keep it: eSpeak calls this pointer as long as the engine lives
        self._library = _load()
        self.rate: int = self._library.espeak_Initialize(
            _AUDIO_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT
        )
        if self.rate <= 0:
            raise ConfigError("eSpeak NG cannot find its data; install espeakng-loader again")
        self._library.espeak_SetSynthCallback(self._callback)
        self._names = _names(self._library)
        self._names["en"] = self._names[VOICE]  # so that English calls have the default voice
        self.languages = tuple(self._names)
        self._default = model or VOICE
        self._voice = ""
        if not self._choose(self._default):
            raise ConfigError(f"eSpeak NG has no voice {self._default!r}")

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        """Yields mono s16le at `rate`. `voice` is a language's tag or a voice's name.

        A voice that does not exist is replaced by the default voice.
        """
        if not self._choose(voice or self._default):
            log.warning("espeak does not have this voice and uses the default voice: voice=%r", voice)
            self._choose(self._default)
        self._chunks.clear()
        data = text.replace("\0", " ").encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        chunks, self._chunks = self._chunks, []
        return _trimmed(chunks)

    def _choose(self, voice: str) -> bool:
        """Speak with this voice from now on; False when it does not exist."""
        if voice == self._voice:
            return True
        language, plus, variant = voice.partition("+")
        name = self._names.get(language.lower(), language) + plus + variant
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            return False
        self._voice = voice
        self._library.espeak_SetParameter(_RATE, self._words_per_minute, 0)
        self._library.espeak_SetParameter(_RANGE, INTONATION, 0)
        return True

    def _collect(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        return 0


def _names(library: ctypes.CDLL) -> dict[str, str]:
    """For each language's tag, the name of the voice that speaks it best."""
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    voices, best = library.espeak_ListVoices(None), dict[str, tuple[int, str]]()
    for place in itertools.takewhile(lambda place: voices[place], itertools.count()):
        voice = voices[place].contents
        for priority, tag in _spoken(voice.languages):
            name = voice.identifier.decode().rpartition("/")[2]
            best[tag] = min(best.get(tag, (priority, name)), (priority, name), key=lambda found: found[0])
    return {tag: name for tag, (_, name) in best.items()}


def _spoken(address: int) -> Iterator[tuple[int, str]]:
    """The priority and the tag of each language of a voice, read from `address`."""
    while priority := ctypes.string_at(address, 1)[0]:
        tag = ctypes.string_at(address + 1)
        yield priority, tag.decode().lower()
        address += len(tag) + 2


def _load() -> ctypes.CDLL:
    try:
        return ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as exc:
        raise ConfigError("cannot load eSpeak NG's library; install espeakng-loader again") from exc


def _trimmed(chunks: list[bytes]) -> Iterator[bytes]:
    """The chunks without the silence at their start, so that the voice starts with the first packet."""
    started = False
    for chunk in chunks:
        if started:
            yield chunk
            continue
        samples = memoryview(chunk).cast("h")
        first = next((i for i, sample in enumerate(samples) if abs(sample) > _SILENT_BELOW), None)
        if first is not None:
            started = True
            yield chunk[2 * first :]
