import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error

from server.errors import EngineError
from server.speech.protocols import Asker
from server.speech.wyoming_stt import KEEP_S, WyomingSpeechToText
from tests.fakes.wyoming_script import SECOND, WRONGS, Talk, hang, server


async def count(talk: Talk) -> None:
    """A server whose transcript is how many ms of sound it got."""
    await talk.hear(AudioStop)
    await talk.say(Transcript(f"{len(talk.heard) // 32}"))


async def test_what_a_server_is_sent_first(unused_tcp_port: int) -> None:
    """The server gets the model, the language and the phrases before the sound. A foreign server learns nothing of
    calls."""
    asked = asyncio.get_running_loop().create_future()

    async def script(talk: Talk) -> None:
        start = AudioStart.from_event(await talk.hear(AudioStart))
        asked.set_result((talk.asked, start.rate, start.width, start.channels))

    async with server(script) as uri:
        stt = WyomingSpeechToText(uri, model="tiny", languages=["en", "de"])
        stt.listen(["go left"], print, "de-AT", asker=Asker("a call"))
        expected = Transcribe(name="tiny", language="de", transcript_terms=["go left"])
        assert await asked == (expected, 16_000, 2, 1)
        await stt.close()


async def test_a_server_that_detects_the_language_tells_it() -> None:
    """A server is told no language where several are possible, but which they are. The stream has what it found out."""
    asked: list[Transcribe] = []

    async def script(talk: Talk) -> None:
        await talk.hear(AudioStop)
        asked.append(talk.asked)
        await talk.say(Transcript("guten morgen", language="de" if len(asked) == 1 else None))

    async with server(script) as uri:
        stt = WyomingSpeechToText(uri, languages=["en", "de"])
        stream = stt.listen([], print, "en", ["de", "fr"])
        assert stream.language == ""
        for language in ("de", ""):
            stream.feed(SECOND)
            assert (await stream.transcript(), stream.language) == ("guten morgen", language)
        await stt.close()
    expected = Transcribe(context={"language": "en", "languages": ["de", "fr"]})
    assert asked == [expected, expected]


async def test_partial_words_grow_and_change() -> None:
    """Chunks add to the words so far, and a start clears them. The same words are reported once."""
    partials: list[str] = []

    async def script(talk: Talk) -> None:
        await talk.say(TranscriptStart(), TranscriptChunk("go"), TranscriptChunk(" left"))
        await talk.say(TranscriptStart(), TranscriptChunk("go right"), TranscriptStop(), Transcript(" go right "))
        await talk.hear(AudioStop)

    async with server(script) as uri:
        stt = WyomingSpeechToText(uri)
        stream = stt.listen([], partials.append)
        stream.feed(SECOND)
        assert await stream.transcript() == "go right"
        assert partials == ["go", "go left", "go right"]
        await stt.close()


async def test_everything_fed_is_sent_once() -> None:
    """All sound arrives, in frames of any length, before and after the connection is made. After a transcript all of it
    is sent again."""
    async with server(count) as uri:
        stt = WyomingSpeechToText(uri)
        stream = stt.listen([], print)
        for _ in range(31):
            stream.feed(bytes(640))
        assert await stream.transcript() == "620"
        for _ in range(31):
            stream.feed(bytes(640))
            await asyncio.sleep(0)
        assert await stream.transcript() == "1240"
        stream.feed(bytes(64))
        assert await stream.transcript() == "1242"
        await stt.close()


async def test_a_long_utterance_is_sent_in_pieces() -> None:
    """What was said before a clear pause is not sent again once it is long. Its words stay in front of the others."""
    partials: list[str] = []

    async def script(talk: Talk) -> None:
        await talk.say(TranscriptStart(), TranscriptChunk("so"))
        await count(talk)

    async with server(script) as uri:
        stt = WyomingSpeechToText(uri)
        stream = stt.listen([], partials.append)
        stream.feed(SECOND * 7)
        assert await stream.transcript() == "7000"
        stream.feed(SECOND)  # the piece is too short to end
        assert await stream.transcript() == "8000"
        stream.feed(SECOND[:6_000])  # the pause is too short for its end
        stream.feed(SECOND)
        assert await stream.transcript() == "9187"
        stream.feed(SECOND[:8_000])
        stream.feed(SECOND)
        assert await stream.transcript() == "9187 1250"
        assert await stream.transcript() == "9187 1250"
        assert partials == ["so", "9187 so"]
        await stt.close()


async def test_a_pause_after_a_transcript_makes_no_connection() -> None:
    """After a transcript, less than 200 ms of sound makes a new connection only when a transcript is asked for."""
    connections = 0

    async def script(talk: Talk) -> None:
        nonlocal connections
        connections += 1
        await count(talk)

    async with server(script) as uri:
        stt = WyomingSpeechToText(uri)
        stream = stt.listen([], print)
        stream.feed(SECOND)
        await stream.transcript()
        stream.feed(bytes(32 * 180))
        assert (await stream.transcript(), connections) == ("1180", 2)
        stream.feed(bytes(32 * 200))
        assert (await stream.transcript(), connections) == ("1380", 3)
        await stt.close()


async def test_old_words_are_not_reported_again() -> None:
    """A second attempt repeats the partial words of the first. Only new words are reported."""
    partials: list[str] = []
    words = [" left", " left now"]

    async def script(talk: Talk) -> None:
        await talk.hear(AudioStop)
        await talk.say(TranscriptStart(), TranscriptChunk("go"), TranscriptChunk(words.pop(0)), Transcript("go"))

    async with server(script) as uri:
        stt = WyomingSpeechToText(uri)
        stream = stt.listen([], partials.append)
        for _ in range(2):
            stream.feed(SECOND)
            await stream.transcript()
        assert partials == ["go", "go left", "go left now"]
        await stt.close()


async def test_an_attempt_that_is_overtaken_is_cancelled() -> None:
    """When more sound comes and nobody waits for the earlier transcript, the earlier connection is closed."""
    asked, left = asyncio.Event(), asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.hear(AudioStop)
        asked.set()
        with contextlib.suppress(EOFError, ConnectionResetError):
            await talk.hear(Error)
        left.set()

    async with server(script) as uri, asyncio.timeout(10):
        stt = WyomingSpeechToText(uri)
        stream = stt.listen([], print)
        stream.feed(SECOND)
        waiting = asyncio.create_task(stream.transcript())
        await asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not left.is_set()
        stream.feed(SECOND)
        await left.wait()
        await stt.close()


async def test_an_endless_utterance_is_cut() -> None:
    """Sound after the limit is ignored, and the transcript covers the sound before it."""
    async with server(count) as uri:
        stt = WyomingSpeechToText(uri)
        stream = stt.listen([], print)
        for _ in range(KEEP_S + 5):
            stream.feed(SECOND)
        assert await stream.transcript() == f"{KEEP_S * 1000}"
        await stt.close()


@pytest.mark.parametrize("wrong", WRONGS)
async def test_every_failure_is_an_engine_error(wrong: Callable[[Talk], Awaitable[None]]) -> None:
    """Every failure of a server is an EngineError, within the deadline and without the server's words. A second
    transcript tries again."""
    scripts = [wrong] * 3

    async def script(talk: Talk) -> None:
        await (scripts.pop() if scripts else count)(talk)

    async with server(script) as uri:
        stt = WyomingSpeechToText(uri, deadline_s=0.3)
        stream = stt.listen([], print)
        stream.feed(SECOND)
        async with asyncio.timeout(5):
            with pytest.raises(EngineError) as caught:
                await stream.transcript()
            assert (caught.value.stage, "said" in f"{caught.value}{caught.value.sentence}") == ("speech-to-text", False)
            scripts.clear()
            if wrong is not hang:  # a server that hangs may still answer, so the client stays connected to it
                assert await stream.transcript() == "1000"
        await stt.close()
