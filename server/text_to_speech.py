"""The text-to-speech engines that the settings choose: started here, and closed by a stack."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from server.agent.agent_file import AgentFiles
from server.agent.breakers import Breaker
from server.config import Settings
from server.engines import Print, distinct, is_own, listed, needed, titles, value_for, worker
from server.errors import ConfigError
from server.speech.by_language import TextToSpeechByLanguage
from server.speech.cartesia_tts import ADDRESS, CartesiaTextToSpeech
from server.speech.fallbacks import Candidate, TextToSpeechFallbacks
from server.speech.local_engines import text_to_speech_engines
from server.speech.openai_http import OpenAIServer, OpenAITextToSpeech
from server.speech.own_engine import OwnTextToSpeech
from server.speech.protocols import TextToSpeech
from server.speech.wyoming_tts import WyomingTextToSpeech
from server.telemetry.monitor import Monitor
from server.telemetry.watched_engines import watched_text_to_speech


async def text_to_speech(
    settings: Settings, languages: Sequence[str], stack: AsyncExitStack, say: Print, monitor: Monitor
) -> tuple[TextToSpeech, str]:
    """Start the text-to-speech engines that the settings name. The stack closes them. Raises ConfigError.

    Returns the engine of all calls, and what is kept as its name until another one is told (`Asker.served`).
    `languages` are those of the agents (BCP 47).
    """
    start = _Start(settings, languages, stack, monitor)
    names = listed(settings.tts)
    chosen = [await start.engine(name, number, len(names)) for number, name in enumerate(names)]
    say(f"text-to-speech  {', else '.join(each.title or each.name for each in chosen)}")
    engine = chosen[0].engine
    if len(chosen) > 1:
        engine = TextToSpeechFallbacks(distinct(chosen))
        monitor.watch_fallbacks(engine)
    return watched_text_to_speech(engine, monitor.watch("text-to-speech")), chosen[0].served_as


@dataclass(frozen=True, slots=True)
class _Start:
    settings: Settings
    languages: Sequence[str]
    stack: AsyncExitStack
    monitor: Monitor

    async def engine(self, name: str, number: int, count: int) -> Candidate[TextToSpeech]:
        """Start the engine with this name, which is engine `number` of `count`. Raises ConfigError."""
        model = value_for(self.settings.tts_model, number, count)
        voice = value_for(self.settings.tts_voice, number, count)
        if name in ("openai", "cartesia"):
            hosted = await self._hosted(name, model, voice, (number, count))
            return Candidate(name, hosted, Breaker(), model=model and f"{name} {model}")
        if name.startswith("tcp://"):
            wyoming = WyomingTextToSpeech(name, voice=voice, languages=self.settings.tts_languages)
            return Candidate(name, await self._learned(wyoming), Breaker())
        if is_own(name):
            _path, _name, found = AgentFiles().found(name, "ANTIPHON_TTS")
            own = OwnTextToSpeech(found, name)
            self.stack.push_async_callback(own.close)
            await own.start()
            return Candidate(name, own, Breaker())
        if here := text_to_speech_engines(name, self.settings.models_dir, model, self.languages):
            uris = [await worker(each, self.settings, self.stack, self.monitor) for each in here]
            engines = [await self._learned(WyomingTextToSpeech(uri, voice=voice)) for uri in uris]
            titled = [each.title for each in here]
            return Candidate(name, TextToSpeechByLanguage(engines, titled), Breaker(), titles(here), titled[0])
        raise ConfigError(f"ANTIPHON_TTS: there is no text-to-speech engine {name!r}")

    async def _hosted(self, name: str, model: str, voice: str, place: tuple[int, int]) -> TextToSpeech:
        address = value_for(self.settings.tts_url, *place)
        key = value_for(self.settings.tts_api_key.get_secret_value(), *place) or None
        languages = self.settings.tts_languages
        hosted: OpenAITextToSpeech | CartesiaTextToSpeech
        if name == "openai":
            server = OpenAIServer(needed(address, name, "ANTIPHON_TTS_URL"), key)
            model, voice = model or "gpt-4o-mini-tts", voice or "alloy"
            hosted = OpenAITextToSpeech(server, model=model, voice=voice, languages=languages)
            self.stack.push_async_callback(hosted.close)
            await hosted.learn()
        else:
            server = OpenAIServer(address or ADDRESS, key)
            voice = needed(voice, name, "ANTIPHON_TTS_VOICE")
            hosted = CartesiaTextToSpeech(server, model=model or "sonic-3.5", voice=voice, languages=languages)
            self.stack.push_async_callback(hosted.close)
        return hosted

    async def _learned(self, client: WyomingTextToSpeech) -> WyomingTextToSpeech:
        """The client, after it has asked its server for the voices. The stack closes it."""
        self.stack.push_async_callback(client.close)
        await client.learn()
        return client
