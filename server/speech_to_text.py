"""The speech-to-text engines that the settings choose: started here, and closed by a stack."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from server.agent.agent_file import AgentFiles
from server.agent.breakers import Breaker
from server.config import Settings
from server.engines import Print, distinct, is_own, listed, needed, titles, value_for, worker
from server.errors import ConfigError
from server.speech.by_language import SpeechToTextByLanguage
from server.speech.fallbacks import Candidate, SpeechToTextFallbacks
from server.speech.local_engines import LocalEngine, speech_to_text_engines
from server.speech.openai_http import OpenAIServer, OpenAISpeechToText
from server.speech.openai_realtime import RealtimeSpeechToText
from server.speech.own_engine import OwnSpeechToText
from server.speech.pool import SpeechToTextPool
from server.speech.protocols import SpeechToText
from server.speech.wyoming_stt import WyomingSpeechToText
from server.telemetry.monitor import Monitor
from server.telemetry.watched_engines import watched_speech_to_text


async def speech_to_text(
    settings: Settings, language: str, stack: AsyncExitStack, say: Print, monitor: Monitor
) -> tuple[SpeechToText, str]:
    """Start the speech-to-text engines that the settings name. The stack closes them. Raises ConfigError.

    Returns the engine of all calls, and what is kept as its name until another one is told (`Asker.served`).

    `language` is the one of most calls (BCP 47), or "auto" if it is detected.
    """
    start = _Start(settings, language, stack, monitor)
    names = listed(settings.stt)
    chosen = [await start.engine(name, number, len(names)) for number, name in enumerate(names)]
    say(f"speech-to-text  {', else '.join(each.title or each.name for each in chosen)}")
    engine = chosen[0].engine
    if len(chosen) > 1:
        engine = SpeechToTextFallbacks(distinct(chosen))
        monitor.watch_fallbacks(engine)
    return watched_speech_to_text(engine, monitor.watch("speech-to-text")), chosen[0].served_as


@dataclass(frozen=True, slots=True)
class _Start:
    settings: Settings
    language: str
    stack: AsyncExitStack
    monitor: Monitor

    async def engine(self, name: str, number: int, count: int) -> Candidate[SpeechToText]:
        """Start the engine with this name, which is engine `number` of `count`. Raises ConfigError."""
        model = value_for(self.settings.stt_model, number, count)
        if name in ("openai", "realtime"):
            hosted = await self._hosted(name, model, number, count)
            return Candidate(name, hosted, Breaker(), model=model and f"{name} {model}")
        if name.startswith("tcp://"):
            wyoming = WyomingSpeechToText(name, model=model or None, languages=self.settings.stt_languages)
            return Candidate(name, await self._learned(wyoming), Breaker())
        if is_own(name):
            _path, _name, found = AgentFiles().found(name, "ANTIPHON_STT")
            own = OwnSpeechToText(found, name)
            self.stack.push_async_callback(own.close)
            await own.start()
            return Candidate(name, own, Breaker())
        if here := speech_to_text_engines(name, self.settings.models_dir, model, self.language):
            engines = [await self._workers(each) for each in here]
            names = [each.title for each in here]
            return Candidate(name, SpeechToTextByLanguage(engines, names), Breaker(), titles(here), names[0])
        raise ConfigError(f"ANTIPHON_STT: there is no speech-to-text engine {name!r}")

    async def _hosted(self, name: str, model: str, number: int, count: int) -> SpeechToText:
        address = needed(value_for(self.settings.stt_url, number, count), name, "ANTIPHON_STT_URL")
        key = value_for(self.settings.stt_api_key.get_secret_value(), number, count)
        server, languages = OpenAIServer(address, key or None), self.settings.stt_languages
        hosted: OpenAISpeechToText | RealtimeSpeechToText
        if name == "openai":
            hosted = OpenAISpeechToText(server, model=model or "whisper-1", languages=languages)
            self.stack.push_async_callback(hosted.close)
            await hosted.learn()
        else:
            hosted = RealtimeSpeechToText(server, model=model or "gpt-live-transcribe", languages=languages)
            self.stack.push_async_callback(hosted.close)
        return hosted

    async def _workers(self, engine: LocalEngine) -> SpeechToTextPool:
        """The engine in as many processes as the settings say."""
        count = self.settings.stt_workers
        uris = [await worker(engine, self.settings, self.stack, self.monitor) for _ in range(count)]
        return SpeechToTextPool([await self._learned(WyomingSpeechToText(uri)) for uri in uris])

    async def _learned(self, client: WyomingSpeechToText) -> WyomingSpeechToText:
        """The client, after it has asked its server for the languages. The stack closes it."""
        self.stack.push_async_callback(client.close)
        await client.learn()
        return client
