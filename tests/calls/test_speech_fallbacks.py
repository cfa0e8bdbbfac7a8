"""A whole call over real sockets, in which speech engines fail: the next ones go on, and the caller notices nothing."""

import asyncio

import aiohttp

from server.agent.breakers import Breaker
from server.speech.cartesia_tts import CartesiaTextToSpeech
from server.speech.fallbacks import Candidate, SpeechToTextFallbacks, TextToSpeechFallbacks
from server.speech.openai_http import OpenAIServer
from server.speech.openai_realtime import RealtimeSpeechToText
from tests.exchange import OneSentence, exchange
from tests.fakes.cartesia_server import cartesia_server
from tests.fakes.engines import SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.realtime_server import realtime_server
from tests.socket_phone import SocketPhone
from tests.voices import speak

SENTENCE = "Once upon a time there was a shop that sold everything but time."


async def test_engines_that_fail_in_the_middle_of_a_call() -> None:
    """The first words are heard and answered by hosted engines. Then both go away, and others hear and answer."""
    mind = Mind(answers={"word": SENTENCE, "what time is it": "It is late."})

    async with (
        asyncio.timeout(30),
        realtime_server() as ears,
        cartesia_server() as mouth,
        exchange(mind.agent()) as call,
    ):
        stt = RealtimeSpeechToText(OpenAIServer(ears.base_url), languages=["en"])
        tts = CartesiaTextToSpeech(OpenAIServer(mouth.base_url), voice="ann", languages=["en"])
        backup = SteadyTextToSpeech(chars_per_s=100)
        call.stt = SpeechToTextFallbacks(  # type: ignore[assignment]
            [Candidate("realtime", stt, Breaker()), Candidate("local", OneSentence(), Breaker())]
        )
        call.tts = TextToSpeechFallbacks([Candidate("cartesia", tts, Breaker()), Candidate("local", backup, Breaker())])
        async with aiohttp.ClientSession() as http:
            phone = SocketPhone(call.home, http)
            await phone.dial()
            phone.say(speak("What time is it?", rate_hz=16_000))
            assert (await phone.until(type="transcription", final=True))["text"].startswith("word")
            assert (await phone.until(type="response", final=True))["text"] == SENTENCE
            ears.faults.extend(["deaf"] * 9)
            for socket in list(ears.sockets):
                await socket.close()
            mouth.faults.extend(["middle"] * 9)
            phone.say(speak("What time is it?", rate_hz=16_000))
            await phone.until(type="transcription", final=True, text="what time is it")
            answer = await phone.until(type="response", final=True, text="It is late.")
            assert not answer["interrupted"]
            assert not [message for message in phone.told if message["type"] == "error"]
            await phone.hang_up()
        assert call.stt.served["local", "served"] >= 1  # type: ignore[attr-defined]
        await stt.close()
        await tts.close()
