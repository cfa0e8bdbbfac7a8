"""Engines of the operator's own: whatever they do, the loop goes on, and a call gets words, sound or an EngineError."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from antiphon.speech import Pcm
from antiphon.testing import check_speech_to_text, check_text_to_speech
from server.errors import ConfigError, EngineError
from server.speech.own_engine import OwnSpeechToText, OwnTextToSpeech
from tests.fakes.own_engines import BlockingSpeechToText, BlockingTextToSpeech, HummingTextToSpeech
from tests.voices import speak

SECOND = b"\0\x10" * 16_000
LIMIT_S = 0.1
released = threading.Event()


@pytest.fixture(autouse=True)
def block_until_the_end() -> Iterator[None]:
    """What blocks does so until the test is over. If the test were held up by it, there would be no EngineError."""
    released.clear()
    yield
    released.set()


def blocks() -> None:
    released.wait(10)


def raises() -> None:
    raise KeyError("what somebody said")


def exits() -> None:
    raise SystemExit(3)


class Bad:
    """Does `what` in one of its methods, and is good otherwise."""

    languages = ("en",)

    def __init__(self, where: str, what: Callable[[], object]) -> None:
        self._where, self._what = where, what

    def _do(self, where: str) -> object:
        return self._what() if where == self._where else None

    def listen(self, on_partial: Callable[[str], None]) -> "Bad":
        self._do("listen")
        self._tell = on_partial
        return self

    def feed(self, pcm: bytes) -> None:
        self._do("feed")
        for number in range(1_000):
            self._tell(f"word {number}")

    async def transcript(self) -> object:
        return self._do("transcript") or "word"

    async def synthesize(self, text: str) -> AsyncIterator[object]:
        yield self._do("synthesize") or Pcm(16_000, SECOND)

    async def close(self) -> None:
        self._do("close")


@pytest.mark.parametrize(
    ("where", "what", "why"),
    [
        ("listen", raises, "own.py:stt failed: KeyError"),
        ("feed", raises, "own.py:stt failed: KeyError"),
        ("transcript", raises, "own.py:stt failed: KeyError"),
        ("transcript", exits, "own.py:stt failed: RuntimeError"),
        ("transcript", lambda: 7, "own.py:stt failed: TypeError"),
        ("feed", blocks, "did not answer within 0.1 s"),
        ("transcript", blocks, "did not answer within 0.1 s"),
    ],
)
async def test_a_bad_engine_is_an_engine_error(where: str, what: Callable[[], object], why: str) -> None:
    """It says which engine it is, and nothing of what was said; the loop is not held up meanwhile."""
    stt = OwnSpeechToText(Bad(where, what), "own.py:stt", LIMIT_S)
    await stt.start()

    stream = stt.listen([], lambda text: None, "de", ("en",))
    stream.feed(SECOND)
    with pytest.raises(EngineError, match=why) as caught:
        await stream.transcript()
    assert (caught.value.stage, "somebody" in str(caught.value)) == ("speech-to-text", False)
    await stream.close()
    released.set()
    await stt.close()


async def test_a_closed_utterance_keeps_no_sound_for_an_engine_that_hangs() -> None:
    """The engine may never come back to it. Its utterances would use up the memory otherwise."""
    stt = OwnSpeechToText(Bad("listen", blocks), "own.py:stt")
    await stt.start()
    stream = stt.listen([], lambda text: None)
    stream.feed(SECOND)
    await stream.close()
    assert not stream._waiting
    released.set()
    await stt.close()


async def test_partial_words_do_not_flood_the_loop() -> None:
    """Of a thousand partial words in one go the call gets few, and the newest is the last."""
    stt = OwnSpeechToText(Bad("", raises), "own.py:stt")
    await stt.start()
    partials: list[str] = []
    stream = stt.listen([], partials.append)
    stream.feed(SECOND)
    assert await stream.transcript() == "word"
    assert partials[-1] == "word 999"
    await stream.close()
    await stt.close()


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (raises, "own.py:tts failed: KeyError"),
        (exits, "own.py:tts failed: RuntimeError"),
        (blocks, "did not answer within 0.1 s"),
        (lambda: b"sound", "own.py:tts failed: TypeError"),
        (lambda: Pcm(16_000, b"odd"), "own.py:tts failed: ValueError"),
        (lambda: Pcm(3, b"even"), "own.py:tts failed: ValueError"),
    ],
)
async def test_a_bad_voice_is_an_engine_error(what: Callable[[], object], why: str) -> None:
    """Likewise for text-to-speech; the sound has to be Pcm of whole samples."""
    tts = OwnTextToSpeech(Bad("synthesize", what), "own.py:tts", LIMIT_S)
    await tts.start()

    with pytest.raises(EngineError, match=why) as caught:
        assert [pcm async for pcm in tts.synthesize("Hello", "")]
    assert caught.value.stage == "text-to-speech"
    released.set()
    await tts.close()


@pytest.mark.parametrize("voice", ["", "nobody's"])
async def test_a_voice_that_an_engine_has_not_does_not_count_against_it(voice: str) -> None:
    """A caller could take the engine away from all others by choosing such a voice."""
    tts = OwnTextToSpeech(Bad("synthesize", raises), "own.py:tts")
    await tts.start()
    with pytest.raises(EngineError) as caught:
        _ = [pcm async for pcm in tts.synthesize("Hello.", voice)]
    assert caught.value.refused == bool(voice)
    await tts.close()


async def test_a_generator_that_blocks_holds_up_nobody_else() -> None:
    """Generators that are not async run side by side, and one that hangs leaves the others alone."""

    class Slow:
        def synthesize(self, text: str) -> Iterator[Pcm]:
            if text == "slow":
                blocks()
            yield Pcm(16_000, SECOND)

    tts = OwnTextToSpeech(Slow, "own.py:tts")
    await tts.start()
    slow = tts.synthesize("slow", "")
    waiting = asyncio.create_task(anext(slow))
    await asyncio.sleep(0)
    assert [pcm.rate async for pcm in tts.synthesize("fast", "")] == [16_000]
    assert not waiting.done()
    released.set()
    assert (await waiting).data == SECOND
    await slow.aclose()
    await tts.close()


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "it has no method listen"),
        (raises, "KeyError: 'what somebody said'|what somebody said"),
        (Bad("start", raises).synthesize, "missing 1 required positional argument|no method listen"),
        (type("Odd", (), {"listen": print, "languages": "en"}), "its languages are not a sequence"),
    ],
)
async def test_what_is_no_engine_does_not_start(found: object, why: str) -> None:
    """The operator reads which engine it is, and what is wrong."""
    with pytest.raises(ConfigError, match=f"(?s)speech-to-text engine own.py:stt does not start: .*(?:{why})"):
        await OwnSpeechToText(found, "own.py:stt").start()


async def test_an_engine_is_made_started_and_closed_in_its_thread() -> None:
    """A class or a function makes it; start and close may be async or not, and all run outside of the main thread."""
    happened: list[tuple[str, bool]] = []

    def note(what: str) -> None:
        happened.append((what, threading.current_thread() is threading.main_thread()))

    class Engine(BlockingSpeechToText):
        def __init__(self) -> None:
            note("made")

        async def start(self) -> None:
            note("started")

        def close(self) -> None:
            note("closed")

    stt = OwnSpeechToText(Engine, "own.py:stt")
    await stt.start()
    assert stt.languages == ("en", "de")
    await stt.close()
    await stt.close()
    assert happened == [("made", False), ("started", False), ("closed", False)]


def test_authors_check_their_engines() -> None:
    """The contract passes for good engines, and says which promise a bad one breaks."""
    check_speech_to_text(BlockingSpeechToText, speak("yes please"))
    check_text_to_speech(HummingTextToSpeech())
    check_text_to_speech(BlockingTextToSpeech)
    with pytest.raises(AssertionError, match="silence gives words"):
        check_speech_to_text(lambda: Bad("", raises), SECOND)
    with pytest.raises(AssertionError, match=r"1\.0 s|the sound is hardly|no more sound"):
        check_text_to_speech(lambda: Bad("", raises))
