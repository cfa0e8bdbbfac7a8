import asyncio
from collections.abc import Awaitable, Callable

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import async_read_event
from wyoming.info import Describe
from wyoming.tts import Synthesize, SynthesizeVoice

from server.errors import EngineError
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.fakes.wyoming_script import WRONGS, Talk, server
from tests.fakes.wyoming_server import INFO


@pytest.mark.parametrize("wrong", WRONGS[:-2])
async def test_every_failure_of_speech_is_an_engine_error(wrong: Callable[[Talk], Awaitable[None]]) -> None:
    """Every failure of a server is an EngineError, within the deadline and without the server's words."""
    async with server(wrong) as uri:
        tts = WyomingTextToSpeech(uri, silence_s=0.3)
        async with asyncio.timeout(5):
            with pytest.raises(EngineError) as caught:
                assert [pcm async for pcm in tts.synthesize("Hello", "")]
        assert (caught.value.stage, "said" in f"{caught.value}{caught.value.sentence}") == ("text-to-speech", False)


async def test_a_wish_is_kept_until_the_voices_are_known() -> None:
    """A server that has not named its voices yet is asked for the voice that was wished, in any language."""
    asked: list[SynthesizeVoice | None] = []

    async def script(talk: Talk) -> None:
        asked.append(Synthesize.from_event(await talk.hear(Synthesize)).voice)
        await talk.say(AudioStart(16_000, 2, 1), AudioChunk(16_000, 2, 1, bytes(640)), AudioStop())

    async with server(script) as uri:
        for voice in ("amy", ""):
            assert [pcm async for pcm in WyomingTextToSpeech(uri).synthesize("Hello", voice, "en")]
    assert [(each.name, each.language) for each in asked if each] == [("amy", None), (None, "en")]


@pytest.mark.parametrize("channels", [1, 2])
async def test_a_sample_that_is_cut_in_two_is_one(channels: int) -> None:
    """A server may cut its sound inside a sample. The client gives all of it, in whole samples."""
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
    """A server that dies after its first chunk is not asked again, because the caller would hear the text twice."""
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


async def test_closing_the_client_ends_its_text() -> None:
    """When the client is closed, a text that is being spoken ends with an EngineError."""

    async def script(talk: Talk) -> None:
        await talk.hear(Synthesize)
        await talk.say(AudioStart(16_000, 2, 1), AudioChunk(16_000, 2, 1, bytes(640)))
        await talk.hear(Error)

    async with server(script) as uri:
        tts = WyomingTextToSpeech(uri)
        speaking = tts.synthesize("Hello", "")
        await anext(speaking)
        await tts.close()
        with pytest.raises(EngineError):
            await anext(speaking)


async def test_a_voice_is_asked_for_by_its_name() -> None:
    """The server is asked for a voice by its name, one that speaks the language: the given voice, the default voice, or
    another one."""
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
        tts = WyomingTextToSpeech(uri, voice="en_US-amy")
        await tts.learn()
        assert tts.languages == ("en_US", "en_GB", "de_DE")
        for voice, language in wishes:
            assert [pcm async for pcm in tts.synthesize("Hello", voice, language)] == []
    assert [voice and voice.name for voice in asked] == ["en_US-amy", "eva", "de_DE-eva", "en_GB-alan", "de_DE-eva"]


async def test_the_voice_of_the_settings_speaks_its_language() -> None:
    """A call that chooses no voice gets the voice of the settings if that speaks the language, else another voice."""
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
        tts = WyomingTextToSpeech(uri, voice="en_GB-alan")
        await tts.learn()
        for voice, language in (("", "en"), ("en_US-amy", "en"), ("", "de")):
            assert [pcm async for pcm in tts.synthesize("Hello", voice, language)] == []
    assert [voice and voice.name for voice in asked] == ["en_GB-alan", "en_US-amy", "de_DE-eva"]
