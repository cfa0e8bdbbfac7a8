"""Chosen: the speech engines, the models and the voice activity detection that the settings choose for all calls."""

from contextlib import AsyncExitStack

from server.agent.agents import Agents
from server.agent.breakers import Breakers
from server.agent.voice_agent import AUTO, VoiceAgent
from server.call.caller import Caller
from server.call.mind.fixed_lines import fixed_lines
from server.call.mind.language import possible_languages, stages_of
from server.call.options import CallOptions
from server.call.setup import EngineNames, Engines
from server.choices import check_choice, choose_fallbacks, choose_model, choose_spoken
from server.config import Settings
from server.engines import Print, advice, check_languages, endpoint_model
from server.speech.cached_tts import CachedTextToSpeech, FixedText
from server.speech.vad import CallVad, Silero
from server.speech_to_text import speech_to_text
from server.telemetry.monitor import Monitor
from server.text_to_speech import text_to_speech


class Chosen:
    """What all calls of a server hear, think and speak with."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._spoken = choose_spoken(settings)
        self._model = choose_model(settings)
        self._fallbacks = choose_fallbacks(settings)
        self._breakers = Breakers()

    async def load(self, agents: Agents, stack: AsyncExitStack, say: Print, monitor: Monitor) -> None:
        """Start the engines. The stack closes them. Raises ConfigError."""
        self._monitor = monitor
        monitor.watch_models(self._breakers)
        spoken = list(dict.fromkeys(agent.own_language for agent in agents))
        heard = {agent.language for agent in agents}
        language = heard.pop() if len(heard) == 1 else AUTO
        self._stt, hears = await speech_to_text(self._settings, language, stack, say, monitor)
        tts, speaks = await text_to_speech(self._settings, spoken, stack, say, monitor)
        self._names = EngineNames(hears, speaks)
        for language in spoken:
            check_languages(language, self._stt, tts)
        fixed = [FixedText(text, how.voice, how.language) for agent in agents for text, how in fixed_lines(agent)]
        self._tts = CachedTextToSpeech(tts, fixed)
        await self._tts.prepare()
        self._endpoint_model = await endpoint_model(self._settings, stack, say, monitor)
        self._silero = Silero()
        if missed := advice(self._settings):
            say(missed)
        for agent in agents:
            if agent.language == AUTO:
                say(f"languages       {self._detected(agent)}")
            say(f"agent           {agent.name}{agents.reached(agent)}, model {self._named_models()}")

    def _named_models(self) -> str:
        """What the operator reads about the models that answer."""
        spoken, *words = self._settings.model if self._spoken else ("", *self._settings.model)
        own = "its own" if self._model is None else words[0]
        return ", then ".join([*([spoken] if spoken else []), own, *words[1:]])

    def _detected(self, agent: VoiceAgent) -> str:
        """What the operator reads about the languages that are told apart."""
        found = possible_languages(agent, stages_of(agent, self.of_call(Caller(), CallOptions())))
        alone = "; to detect others, get a model that knows them: antiphon models pull whisper --name base"
        return f"{', '.join(found)}{alone if len(found) == 1 else ''}"

    def of_call(self, caller: Caller, options: CallOptions) -> Engines:
        """The engines of one call. If the call has chosen a model, that one alone is asked; in place of one that
        speaks itself the server's models answer.

        Raises PeerError when the call may not choose this model.
        """
        spoken, model, fallbacks = self._spoken, self._model, self._fallbacks
        if options.model:
            check_choice(self._settings, options.model)
            spoken = choose_spoken(self._settings, options.model)
            if spoken is None:
                model, fallbacks = choose_model(self._settings, options.model), ()
        stt, tts = self._monitor.watched(caller, self._stt, self._tts)
        vad = CallVad(self._silero)
        endpoint, names, watcher = self._endpoint_model, self._names, self._monitor.runs
        return Engines(stt, tts, vad, endpoint, model, fallbacks, self._breakers, spoken, names, watcher)
