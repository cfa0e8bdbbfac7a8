"""The Wyoming clients: what is sent when, and what becomes of a server that misbehaves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import Describe
from wyoming.tts import Synthesize, SynthesizeVoice

from server.errors import ConfigError, EngineError
from server.speech import wyoming_address
from server.speech.wyoming_stt import KEEP_S, WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.fakes.wyoming_server import INFO

SECOND = bytes(32_000)


@dataclass
class Talk:
    """One connection, seen from the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: bytes = b""
    asked: Transcribe = field(default_factory=Transcribe)

    async def hear(self, kind: type[Eventable]) -> Event:
        """Until an event of that kind; sound on the way is kept. EOFError when the client leaves."""
        while (event := await async_read_event(self.reader)) is not None:
            if AudioChunk.is_type(event.type):
                self.heard += AudioChunk.from_event(event).audio
            if Transcribe.is_type(event.type):
                self.asked = Transcribe.from_event(event)
            if kind.is_type(event.type):
                return event
        raise EOFError

    async def say(self, *said: Eventable) -> None:
        for each in said:
            await async_write_event(each.event(), self.writer)


@contextlib.asynccontextmanager
async def server(script: Callable[[Talk], Awaitable[None]], port: int = 0) -> AsyncIterator[str]:
    """Runs `script` for each connection and hangs up when it returns."""
    async with contextlib.AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, EOFError):
                await script(Talk(reader, writer))
            writer.close()

        listening = await asyncio.start_server(
            lambda reader, writer: tasks.create_task(client(reader, writer)) and None, "127.0.0.1", port
        )
        stack.callback(listening.close)
        yield f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def count(talk: Talk) -> None:
    """The transcript is how many ms were heard."""
    await talk.hear(AudioStop)
    await talk.say(Transcript(f"{len(talk.heard) // 32}"))


async def test_what_a_server_is_asked(unused_tcp_port: int) -> None:
    """Model, language and phrases go ahead of the sound."""
    asked = asyncio.get_running_loop().create_future()

    async def script(talk: Talk) -> None:
        start = AudioStart.from_event(await talk.hear(AudioStart))
        asked.set_result((talk.asked, start.rate, start.width, start.channels))

    async with server(script) as uri:
        ears = WyomingSpeechToText(uri, model="tiny", languages=["en", "de"])
        ears.listen(["go left"], print, "de-AT")
        expected = Transcribe(name="tiny", language="de", transcript_terms=["go left"])
        assert await asked == (expected, 16_000, 2, 1)
        await ears.close()


async def test_partial_words_grow_and_change() -> None:
    """Chunks add to the words so far and a start begins them anew; each is told once."""
    partials: list[str] = []

    async def script(talk: Talk) -> None:
        await talk.say(TranscriptStart(), TranscriptChunk("go"), TranscriptChunk(" left"))
        await talk.say(TranscriptStart(), TranscriptChunk("go right"), TranscriptStop(), Transcript(" go right "))
        await talk.hear(AudioStop)

    async with server(script) as uri:
        ears = WyomingSpeechToText(uri)
        utterance = ears.listen([], partials.append)
        utterance.feed(SECOND)
        assert await utterance.transcript() == "go right"
        assert partials == ["go", "go left", "go right"]
        await ears.close()


async def test_everything_fed_is_sent_once() -> None:
    """Frames of any length arrive whole, before and after the connection is made, and again when more is said."""
    async with server(count) as uri:
        ears = WyomingSpeechToText(uri)
        utterance = ears.listen([], print)
        for _ in range(31):
            utterance.feed(bytes(640))
        assert await utterance.transcript() == "620"
        for _ in range(31):
            utterance.feed(bytes(640))
            await asyncio.sleep(0)
        assert await utterance.transcript() == "1240"
        utterance.feed(bytes(64))
        assert await utterance.transcript() == "1242"
        await ears.close()


async def test_a_pause_after_a_transcript_begins_nothing() -> None:
    """Less than 200 ms more does not cost a connection until somebody asks; more does."""
    connections = 0

    async def script(talk: Talk) -> None:
        nonlocal connections
        connections += 1
        await count(talk)

    async with server(script) as uri:
        ears = WyomingSpeechToText(uri)
        utterance = ears.listen([], print)
        utterance.feed(SECOND)
        await utterance.transcript()
        utterance.feed(bytes(32 * 180))
        assert (await utterance.transcript(), connections) == ("1180", 2)
        utterance.feed(bytes(32 * 200))
        assert (await utterance.transcript(), connections) == ("1380", 3)
        await ears.close()


async def test_old_words_are_not_told_again() -> None:
    """An utterance that begins anew says the same words again on its way; only what is new is told."""
    partials: list[str] = []
    words = [" left", " left now"]

    async def script(talk: Talk) -> None:
        await talk.hear(AudioStop)
        await talk.say(TranscriptStart(), TranscriptChunk("go"), TranscriptChunk(words.pop(0)), Transcript("go"))

    async with server(script) as uri:
        ears = WyomingSpeechToText(uri)
        utterance = ears.listen([], partials.append)
        for _ in range(2):
            utterance.feed(SECOND)
            await utterance.transcript()
        assert partials == ["go", "go left", "go left now"]
        await ears.close()


async def test_what_speech_overtakes_is_given_up() -> None:
    """When more is said and nobody waits for the transcript before, its connection is closed."""
    asked, left = asyncio.Event(), asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.hear(AudioStop)
        asked.set()
        with contextlib.suppress(EOFError, ConnectionResetError):
            await talk.hear(Error)
        left.set()

    async with server(script) as uri, asyncio.timeout(10):
        ears = WyomingSpeechToText(uri)
        utterance = ears.listen([], print)
        utterance.feed(SECOND)
        waiting = asyncio.create_task(utterance.transcript())
        await asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not left.is_set()
        utterance.feed(SECOND)
        await left.wait()
        await ears.close()


async def test_an_endless_utterance_is_cut() -> None:
    """What is said beyond the limit is not kept, and the transcript covers the rest."""
    async with server(count) as uri:
        ears = WyomingSpeechToText(uri)
        utterance = ears.listen([], print)
        for _ in range(KEEP_S + 5):
            utterance.feed(SECOND)
        assert await utterance.transcript() == f"{KEEP_S * 1000}"
        await ears.close()


async def hang(talk: Talk) -> None:
    await talk.hear(Error)


async def fail(talk: Talk) -> None:
    await talk.say(Error("somebody said something", "broken"))
    await talk.hear(Error)


async def hang_up(talk: Talk) -> None:
    pass


def write(noise: bytes) -> Callable[[Talk], Awaitable[None]]:
    async def script(talk: Talk) -> None:
        talk.writer.write(noise)
        await talk.hear(Error)

    return script


NOISES = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"[]\n", b"{}\n", b'{"type": "transcript"}\n', b"x" * 100_000]
WRONGS = [hang, fail, hang_up, *map(write, NOISES)]


@pytest.mark.parametrize("wrong", WRONGS)
async def test_what_goes_wrong_is_an_engine_error(wrong: Callable[[Talk], Awaitable[None]]) -> None:
    """Every failure of a server is an EngineError in time, without its words; asking again tries again."""
    scripts = [wrong] * 3

    async def script(talk: Talk) -> None:
        await (scripts.pop() if scripts else count)(talk)

    async with server(script) as uri:
        ears = WyomingSpeechToText(uri, deadline_s=0.3)
        utterance = ears.listen([], print)
        utterance.feed(SECOND)
        async with asyncio.timeout(5):
            with pytest.raises(EngineError) as caught:
                await utterance.transcript()
            assert (caught.value.stage, "said" in f"{caught.value}{caught.value.sentence}") == ("speech-to-text", False)
            scripts.clear()
            if wrong is not hang:  # a server that is late may still answer, so it is not given up
                assert await utterance.transcript() == "1000"
        await ears.close()


@pytest.mark.parametrize("wrong", WRONGS[:-2])
async def test_speech_that_goes_wrong_is_an_engine_error(wrong: Callable[[Talk], Awaitable[None]]) -> None:
    """Every failure of a server is an EngineError in time, without its words."""
    async with server(wrong) as uri:
        mouth = WyomingTextToSpeech(uri, silence_s=0.3)
        async with asyncio.timeout(5):
            with pytest.raises(EngineError) as caught:
                assert [pcm async for pcm in mouth.synthesize("Hello", "")]
        assert (caught.value.stage, "said" in f"{caught.value}{caught.value.sentence}") == ("text-to-speech", False)


@pytest.mark.parametrize("channels", [1, 2])
async def test_a_sample_that_is_cut_in_two_is_one(channels: int) -> None:
    """A server that hands on what it gets from elsewhere cuts where it likes; all comes in whole samples."""
    sound = bytes(range(120))

    async def script(talk: Talk) -> None:
        await talk.hear(Synthesize)
        for start, end in ((0, 1), (1, 3), (3, 50), (50, 120)):
            await talk.say(AudioChunk(16_000, 2, channels, sound[start:end]))
        await talk.say(AudioStop())

    async with server(script) as uri:
        pieces = [pcm.data async for pcm in WyomingTextToSpeech(uri).synthesize("Hello", "")]
    assert [len(piece) % 2 for piece in pieces] == [0] * len(pieces)
    assert len(b"".join(pieces)) == len(sound) // channels
    assert channels == 2 or b"".join(pieces) == sound


async def test_speech_that_breaks_off_is_an_engine_error() -> None:
    """A server that dies after its first sound is not asked again: the text would be said twice."""
    asked = 0

    async def script(talk: Talk) -> None:
        nonlocal asked
        asked += 1
        await talk.hear(Synthesize)
        await talk.say(AudioStart(16_000, 2, 1), AudioChunk(16_000, 2, 1, bytes(640)))

    async with server(script) as uri:
        speaking = WyomingTextToSpeech(uri).synthesize("Hello", "")
        assert (await anext(speaking)).data
        with pytest.raises(EngineError):
            await anext(speaking)
        assert asked == 1


async def test_closing_a_mouth_ends_what_it_says() -> None:
    """Who listens to a text when the client is closed gets an EngineError."""

    async def script(talk: Talk) -> None:
        await talk.hear(Synthesize)
        await talk.say(AudioStart(16_000, 2, 1), AudioChunk(16_000, 2, 1, bytes(640)))
        await talk.hear(Error)

    async with server(script) as uri:
        mouth = WyomingTextToSpeech(uri)
        speaking = mouth.synthesize("Hello", "")
        await anext(speaking)
        await mouth.close()
        with pytest.raises(EngineError):
            await anext(speaking)


async def test_a_voice_is_asked_for_by_its_name() -> None:
    """That of the language, because not every server looks for it; the default voice speaks no other one."""
    asked: list[SynthesizeVoice | None] = []

    async def script(talk: Talk) -> None:
        event = await async_read_event(talk.reader)
        assert event is not None
        if Describe.is_type(event.type):
            await talk.say(INFO)
            return
        asked.append(Synthesize.from_event(event).voice)
        await talk.say(AudioStop())

    wishes = [("", ""), ("eva", ""), ("", "de-CH"), ("en_GB-alan", "en"), ("en_GB-alan", "de")]
    async with server(script) as uri:
        mouth = WyomingTextToSpeech(uri, voice="en_US-amy")
        await mouth.learn()
        assert mouth.languages == ("en_US", "en_GB", "de_DE")
        for voice, language in wishes:
            assert [pcm async for pcm in mouth.synthesize("Hello", voice, language)] == []
    assert [voice and voice.name for voice in asked] == ["en_US-amy", "eva", "de_DE-eva", "en_GB-alan", "de_DE-eva"]


async def test_the_voice_of_the_settings_speaks_its_language() -> None:
    """A call that chooses no voice hears it in a language that it speaks, and another voice in others."""
    asked: list[SynthesizeVoice | None] = []

    async def script(talk: Talk) -> None:
        event = await async_read_event(talk.reader)
        assert event is not None
        if Describe.is_type(event.type):
            await talk.say(INFO)
            return
        asked.append(Synthesize.from_event(event).voice)
        await talk.say(AudioStop())

    async with server(script) as uri:
        mouth = WyomingTextToSpeech(uri, voice="en_GB-alan")
        await mouth.learn()
        for voice, language in (("", "en"), ("en_US-amy", "en"), ("", "de")):
            assert [pcm async for pcm in mouth.synthesize("Hello", voice, language)] == []
    assert [voice and voice.name for voice in asked] == ["en_GB-alan", "en_US-amy", "de_DE-eva"]


async def test_who_does_not_say_which_languages_it_knows(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls may choose what the operator has named, else nothing; it is asked for by its tag."""
    monkeypatch.setattr(wyoming_address, "DESCRIBE_S", 0.1)
    asked: list[SynthesizeVoice | None] = []

    async def script(talk: Talk) -> None:
        asked.append(Synthesize.from_event(await talk.hear(Synthesize)).voice)
        await talk.say(AudioStop())

    async with server(script) as uri:
        mouth = WyomingTextToSpeech(uri, languages=["de"])
        await mouth.learn()
        assert mouth.languages == ["de"]
        assert [pcm async for pcm in mouth.synthesize("Hello", "", "de-CH")] == []
        await mouth.close()
    assert asked == [SynthesizeVoice(language="de")]
    for client in (WyomingSpeechToText, WyomingTextToSpeech):
        nobody = client(f"tcp://127.0.0.1:{unused_tcp_port}")
        await nobody.learn()
        assert nobody.languages == ()
        await nobody.close()


@pytest.mark.parametrize("client", [WyomingSpeechToText, WyomingTextToSpeech])
async def test_a_server_that_starts_later_is_asked_again(
    client: type[WyomingSpeechToText] | type[WyomingTextToSpeech], unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be down when we start: calls choose among its languages as soon as it is up."""
    monkeypatch.setattr(wyoming_address, "ASK_AGAIN_S", 0.01)
    told = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.hear(Describe)
        await talk.say(INFO)
        with contextlib.suppress(EOFError, ConnectionResetError):
            await talk.hear(Error)  # until the client leaves, because it has what it wants
        told.set()

    speech = client(f"tcp://127.0.0.1:{unused_tcp_port}")
    await speech.learn()
    assert speech.languages == ()
    async with server(script, unused_tcp_port), asyncio.timeout(10):
        await told.wait()
    assert "en" in {tag[:2] for tag in speech.languages}
    await speech.close()


async def test_nobody_is_there(unused_tcp_port: int) -> None:
    """A server that is not there is an EngineError soon."""
    for uri in (f"tcp://127.0.0.1:{unused_tcp_port}", "unix:///nowhere/at/all"):
        ears, mouth = WyomingSpeechToText(uri, connect_s=0.1), WyomingTextToSpeech(uri, connect_s=0.1)
        utterance = ears.listen([], print)
        utterance.feed(SECOND)
        with pytest.raises(EngineError, match="cannot be reached"):
            await utterance.transcript()
        with pytest.raises(EngineError, match="cannot be reached"):
            assert [pcm async for pcm in mouth.synthesize("Hello", "")]
        await ears.close()


@pytest.mark.parametrize(
    "uri", ["", "localhost:10300", "tcp://localhost", "tcp://:1", "tcp://a:99999", "unix://", "x://a:1"]
)
def test_what_is_no_address(uri: str) -> None:
    """An address that is neither a path nor a port is a ConfigError when the client is made."""
    with pytest.raises(ConfigError):
        WyomingSpeechToText(uri)
