"""The Wyoming server: one engine, many clients, standard events."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioStop
from wyoming.client import AsyncUnixClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeVoice

from server.speech import wyoming_server
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.speech.wyoming_engines import SLICE, START, Counting, Humming, chunk, hear, hear_until, say, serving


class Choir(Humming):
    """An engine with several speakers, who speak all of its languages."""

    speakers = ("amy", "joe")


async def test_a_speaker_may_be_chosen_with_a_language(tmp_path: Path) -> None:
    """A speaker that a call wants speaks the language that the call chose. Without a speaker the engine chooses."""
    engine = Choir()
    async with serving(engine, tmp_path) as path:
        tts = WyomingTextToSpeech(f"unix://{path}")
        await tts.learn()
        for wish, voice in (("joe", "joe"), ("", "en"), ("nobody", "en")):
            assert [pcm async for pcm in tts.synthesize("Hello", wish, "en-GB")]
            assert engine.voice == voice
        assert tts.languages == ("en", "pt-BR")


async def test_partial_words_are_standard_events(tmp_path: Path) -> None:
    """Words that are added come as a chunk. Words that change come after a new start."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, START)
        for expected in (
            [TranscriptStart(), TranscriptChunk("one")],
            [TranscriptChunk(" two")],
            [TranscriptStart(), TranscriptChunk("won too")],
        ):
            await say(client, chunk())
            assert [await hear(client) for _ in expected] == [each.event() for each in expected]
        await say(client, AudioStop())
        assert [await hear(client), await hear(client)] == [
            TranscriptStop().event(),
            Transcript("3", language="pt-BR").event(),
        ]


async def test_a_connection_carries_utterances_in_sequence(tmp_path: Path) -> None:
    """Each utterance on a connection starts empty and has the phrases that were sent last."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        for name in ("first", "second"):
            await say(client, Transcribe(transcript_terms=[name]), START, chunk(), AudioStop())
            *_, last = await hear_until(client, Transcript)
            assert Transcript.from_event(last).text == f"{name} 1"


async def test_the_engine_gets_its_own_tag_of_a_language(tmp_path: Path) -> None:
    """The engine gets a language under its own tag. A language that it does not know is an error."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        for language, heard in (("pt", "pt-BR 1"), ("en-GB", "en 1"), (None, "1")):
            await say(client, Transcribe(language=language), START, chunk(), AudioStop())
            assert (await hear_until(client, Transcript))[-1] == Transcript(heard, language="pt-BR").event()
        for last, heard in (("", "1"), ("en", "en 1")):
            context = {"language": last, "languages": ["pt", "fr", "en-GB"]}
            await say(client, Transcribe(context=context), START, chunk(), AudioStop())
            text = Transcript.from_event((await hear_until(client, Transcript))[-1]).text
            assert text == heard.replace("1", "pt-BR/en 1"), "what the engine does not know is left out"
        await say(client, Transcribe(language="fr"))
        assert Error.from_event(await hear(client)).code == "bad-request"
    engine = Humming()
    async with serving(engine, tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, Synthesize("yes", SynthesizeVoice(language="pt")))
        await hear_until(client, AudioStop)
        assert engine.voice == "pt-BR"
        await say(client, Synthesize("yes", SynthesizeVoice(language="fr")))
        assert Error.from_event(await hear(client)).code == "bad-request"


async def test_an_engine_failure_ends_only_one_utterance(tmp_path: Path) -> None:
    """When the engine fails, the client gets an error that repeats nothing that was said, and the next utterance on the
    connection works."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, START, chunk(b"bad!"))
        error = Error.from_event(await hear(client))
        assert (error.code, "said" in error.text) == ("engine", False)
        await say(client, START, chunk(), AudioStop())
        await hear_until(client, Transcript)


@pytest.mark.parametrize(
    "said", [chunk(b"odd"), chunk(SLICE * 1201), Event("audio-chunk", {}), Event("transcribe", {"transcript_terms": 1})]
)
async def test_an_invalid_event_is_an_error(tmp_path: Path, said: Eventable | Event) -> None:
    """Half a sample, an endless utterance, and missing or wrong fields are refused, and the connection still works."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        await client.write_event(said if isinstance(said, Event) else said.event())
        assert Error.from_event(await hear(client)).code == "bad-request"
        await say(client, START, chunk(), AudioStop())
        await hear_until(client, Transcript)


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b"{}\n", b'{"type": 1}\n', b"x" * 70_000])
async def test_a_client_that_does_not_speak_wyoming_is_disconnected(tmp_path: Path, noise: bytes) -> None:
    """A client that does not speak Wyoming loses its connection, and the other clients are served."""
    async with serving(Counting(), tmp_path) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(noise)
        writer.write_eof()
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        async with AsyncUnixClient(path) as client:
            await say(client, Ping("still"))
            assert Pong.from_event(await hear(client)).text == "still"


async def test_a_hanging_engine_answers_no_ping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a step lasts too long, a ping gets no answer. Afterwards pings are answered again."""
    monkeypatch.setattr(wyoming_server, "HANG_S", 0.0)
    engine = Counting()
    engine.gate.clear()
    async with serving(engine, tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, START, chunk())
        await asyncio.to_thread(engine.started.wait, 10)
        await say(client, Ping("early"), Describe())
        assert Info.is_type((await hear(client)).type)
        monkeypatch.setattr(wyoming_server, "HANG_S", 30.0)
        await say(client, Ping("late"))
        assert Pong.from_event(await hear(client)).text == "late"
        engine.gate.set()


async def test_a_text_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """A text that is longer than the limit is an error."""
    async with serving(Humming(), tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, Synthesize("word " * 2_000))
        assert Error.from_event(await hear(client)).code == "bad-request"
