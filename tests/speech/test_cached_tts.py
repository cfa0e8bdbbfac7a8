from collections.abc import AsyncGenerator

import pytest

from server.agent.breakers import Breaker
from server.errors import EngineError
from server.speech.cached_tts import CachedTextToSpeech, FixedText
from server.speech.fallbacks import Candidate, TextToSpeechFallbacks
from server.speech.protocols import ANYBODY, Asker, Pcm


class Counting:
    """Speaks a text as two chunks, its bytes and the voice's, and keeps what it was asked. It can be down."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.down = False

    languages = ("en", "de")

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        self.asked.append((text, voice))
        yield Pcm(8_000, text.encode())
        if self.down:
            raise EngineError("text-to-speech", "It is down.")
        yield Pcm(8_000, voice.encode())


async def said(cached: CachedTextToSpeech, text: str, voice: str = "") -> bytes:
    return b"".join([pcm.data async for pcm in cached.synthesize(text, voice)])


async def test_a_text_is_made_once_in_the_agents_voice() -> None:
    """A prepared text sounds the same and does not need the engine. In a voice that a call chose, it is not kept."""
    tts = Counting()
    cached = CachedTextToSpeech(tts, [FixedText("Hello there. How can I help?", "amy")])
    await cached.prepare()
    asked = len(tts.asked)
    for voice in ("amy", "joe"):
        assert [await said(cached, "Hello there.", voice) for _ in range(3)] == [f"Hello there.{voice}".encode()] * 3
    assert tts.asked[asked:] == [("Hello there.", "joe")] * 3


async def test_a_text_in_another_language_is_kept_beside_it() -> None:
    """Each language of the agent has its own lines. The same text in a language that is not among them is not kept."""
    tts = Counting()
    cached = CachedTextToSpeech(tts, [FixedText("Hallo.", "eva", "de"), FixedText("Hello.", "", "en")])
    await cached.prepare()
    assert tts.asked == [("Hallo.", "eva"), ("Hello.", "")]
    for voice, language in (("eva", "de"), ("eva", "nl")):
        assert b"".join([pcm.data async for pcm in cached.synthesize("Hallo.", voice, language)]) == b"Hallo.eva"
    assert len(tts.asked) == 3


async def test_what_another_engine_has_said_is_not_kept() -> None:
    """When the first engine is back, the agent has its own voice again."""
    first, second = Counting(), Counting()
    both = TextToSpeechFallbacks([Candidate(name, tts, Breaker()) for name, tts in (("a", first), ("b", second))])
    cached = CachedTextToSpeech(both, [FixedText("Hello there.", "amy")])
    first.down = True
    await cached.prepare()
    first.down = False
    for _ in range(2):
        assert await said(cached, "Hello there.", "amy") == b"Hello there.amy"
    assert (len(first.asked), len(second.asked)) == (2, 1)


async def test_another_text_is_made_each_time() -> None:
    """A text that is not to be kept, such as an answer, is made each time."""
    tts = Counting()
    cached = CachedTextToSpeech(tts, [FixedText("Hello there.")])
    await said(cached, "Your order is on its way.")
    await said(cached, "Your order is on its way.")
    assert len(tts.asked) == 2


async def test_prepared_texts_are_there_when_the_engine_is_down() -> None:
    """When text-to-speech is down, the apology for that can still be spoken."""
    tts = Counting()
    cached = CachedTextToSpeech(
        tts, map(FixedText, ["Sorry, something went wrong on my side. Could you say that again?", "Goodbye.", ""])
    )
    await cached.prepare()
    tts.down = True
    assert len(tts.asked) == 3
    for clause in [text for text, _ in tts.asked]:
        assert await said(cached, clause) == clause.encode()
    with pytest.raises(EngineError):
        await said(cached, "Anything else.")


async def test_half_a_text_is_not_kept() -> None:
    """Speech that the engine or the call broke off is made again the next time."""
    tts = Counting()
    cached = CachedTextToSpeech(tts, [FixedText("Hello there.")])
    tts.down = True
    await cached.prepare()
    with pytest.raises(EngineError):
        await said(cached, "Hello there.")
    tts.down = False
    sound = cached.synthesize("Hello there.", "")
    await anext(sound)
    await sound.aclose()
    assert await said(cached, "Hello there.", "") == b"Hello there."
    assert len(tts.asked) == 4
