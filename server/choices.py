"""What the settings choose: the engines, the store, the agent and its model.

This file and app.py are the composition root: they alone name concrete engines and stores.
"""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.models import Model, infer_model

from server.agent.agent_file import load_agent
from server.agent.demo.front_desk import front_desk
from server.agent.openai_requests import send_unconverted
from server.agent.voice_agent import VoiceAgent
from server.call.options import CallOptions
from server.call.settings import CallSettings
from server.call.turns.patience import PRESETS, endpoint_of, overlap_of
from server.config import Settings
from server.errors import ConfigError, PeerError
from server.media.recordings import Recorder, Recordings
from server.record.archive import Archive
from server.record.store import Store
from server.record.stores.redis import RedisStore
from server.record.stores.sqlite import SqliteStore
from server.speech.by_language import SpeechToTextByLanguage, TextToSpeechByLanguage
from server.speech.local_engines import LocalEngine, speech_to_text_engines, text_to_speech_engines
from server.speech.models.catalogue import Kind
from server.speech.models.disk import find
from server.speech.openai_http import OpenAIServer, OpenAISpeechToText, OpenAITextToSpeech
from server.speech.protocols import EndpointModel, SpeechToText, TextToSpeech
from server.speech.smart_turn import SmartTurn
from server.speech.supervisor import Supervisor
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from server.telemetry.monitor import Monitor
from server.telemetry.watched_engines import WatchedSpeechToText, WatchedTextToSpeech

Print = Callable[[str], None]
"""A function that shows a line to the operator, such as `print`."""


# Engines


async def speech_to_text(
    settings: Settings, language: str, stack: AsyncExitStack, say: Print, monitor: Monitor
) -> SpeechToText:
    """Start the speech-to-text engines that the settings name. The stack closes them. Raises ConfigError.

    Calls that choose no language are held in `language` (BCP 47).
    """
    name = settings.stt
    engines: list[OpenAISpeechToText | WyomingSpeechToText]
    if name == "openai":
        address = _needed(settings.stt_url, "ANTIPHON_STT_URL")
        server = OpenAIServer(address, settings.stt_api_key.get_secret_value() or None)
        model = settings.stt_model or "whisper-1"
        engines = [OpenAISpeechToText(server, model=model, languages=settings.stt_languages)]
    elif name.startswith("tcp://"):
        engines = [WyomingSpeechToText(name, model=settings.stt_model or None, languages=settings.stt_languages)]
    elif here := speech_to_text_engines(name, settings.models_dir, settings.stt_model):
        name = _titles(here)
        engines = [WyomingSpeechToText(await _worker(each, stack, monitor)) for each in here]
    else:
        raise ConfigError(f"ANTIPHON_STT: there is no speech-to-text engine {name!r}")
    for engine in engines:
        stack.push_async_callback(engine.close)
        if isinstance(engine, WyomingSpeechToText):
            await engine.learn()
    say(f"speech-to-text  {name}")
    return WatchedSpeechToText(SpeechToTextByLanguage(engines, language), monitor.watch("speech-to-text"))


async def text_to_speech(
    settings: Settings, language: str, stack: AsyncExitStack, say: Print, monitor: Monitor
) -> TextToSpeech:
    """Start the text-to-speech engines that the settings name. The stack closes them. Raises ConfigError.

    Calls that choose no language are held in `language` (BCP 47).
    """
    name, voice = settings.tts, settings.tts_voice
    engines: list[OpenAITextToSpeech | WyomingTextToSpeech]
    if name == "openai":
        address = _needed(settings.tts_url, "ANTIPHON_TTS_URL")
        server = OpenAIServer(address, settings.tts_api_key.get_secret_value() or None)
        model = settings.tts_model or "gpt-4o-mini-tts"
        engines = [OpenAITextToSpeech(server, model=model, voice=voice or "alloy", languages=settings.tts_languages)]
    elif name.startswith("tcp://"):
        engines = [WyomingTextToSpeech(name, voice=voice, languages=settings.tts_languages)]
    elif here := text_to_speech_engines(name, settings.models_dir, settings.tts_model):
        name = _titles(here)
        engines = [WyomingTextToSpeech(await _worker(each, stack, monitor), voice=voice) for each in here]
    else:
        raise ConfigError(f"ANTIPHON_TTS: there is no text-to-speech engine {name!r}")
    for engine in engines:
        stack.push_async_callback(engine.close)
        if isinstance(engine, WyomingTextToSpeech):
            await engine.learn()
    say(f"text-to-speech  {name}")
    return WatchedTextToSpeech(TextToSpeechByLanguage(engines, language), monitor.watch("text-to-speech"))


def endpoint_model(settings: Settings, stack: AsyncExitStack, say: Print) -> EndpointModel | None:
    """Load Smart Turn if its file is on disk. The stack closes it.

    None when there is no file: then only words and cadence decide about the endpoint. Raises ConfigError when the file
    is not a Smart Turn model.
    """
    if settings.endpoint_model == "none":
        return None
    auto = settings.endpoint_model == "auto"
    path = find(settings.models_dir, "smart-turn") if auto else Path(settings.endpoint_model)
    if path is None:
        return None
    model = SmartTurn(path)
    stack.callback(model.close)
    say(f"endpoint model  {path.stem}")
    return model


def advice(settings: Settings) -> str:
    """A line for the operator: which models would make calls better, and how to get them. "" when none is missed."""
    wishes: dict[Kind, str] = {"whisper": settings.stt, "piper": settings.tts, "smart-turn": settings.endpoint_model}
    missed = [f"no {kind}" for kind, wish in wishes.items() if wish == "auto" and not find(settings.models_dir, kind)]
    better = f"{', '.join(missed)} in {settings.models_dir}; calls go better with them: antiphon models pull"
    return f"models          {better}" if missed else ""


def _titles(engines: list[LocalEngine]) -> str:
    first, *others = (engine.title for engine in engines)
    return f"{first}; for other languages {', '.join(others)}" if others else first


async def _worker(engine: LocalEngine, stack: AsyncExitStack, monitor: Monitor) -> str:
    """Start a worker process that hosts the engine; returns its URI. Raises ConfigError."""
    supervisor = Supervisor(engine.name, str(engine.model) if engine.model else None)
    monitor.watch_worker(supervisor)
    await supervisor.start()
    stack.push_async_callback(supervisor.close)
    return supervisor.uri


def _needed(value: str, name: str) -> str:
    """The value of the setting by that name. Raises ConfigError when it is empty."""
    if not value:
        raise ConfigError(f"the engine openai needs {name}")
    return value


# Conversations at rest


@dataclass(frozen=True, slots=True)
class Keeper:
    """Where the words and the sound of conversations are kept."""

    store: Store
    outlives: bool
    """Whether the words are still in the store after the server has stopped."""
    recordings: Recordings | None
    archive: Archive

    def recorder(self, conversation_id: str) -> Recorder | None:
        return None if self.recordings is None else self.recordings.recorder(conversation_id)


async def open_archive(settings: Settings, stack: AsyncExitStack) -> Keeper:
    """Open the store and the recordings that the settings name. The stack closes them. Raises ConfigError."""
    recordings = Recordings(Path(settings.recordings_dir)) if settings.recordings_dir else None
    if recordings is not None:
        stack.push_async_callback(recordings.close)
    store = await choose_store(settings, stack)
    outlives = settings.store.get_secret_value() != ":memory:"
    return Keeper(store, outlives, recordings, Archive(store, recordings, wall_ms))


def wall_ms() -> int:
    """The wall clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


async def choose_store(settings: Settings, stack: AsyncExitStack) -> Store:
    """Open the store at the address in the settings. The stack closes it. Raises ConfigError."""
    store: RedisStore | SqliteStore
    if _in_redis(settings):
        store = RedisStore(settings.store.get_secret_value())
    else:
        store = SqliteStore(settings.store.get_secret_value())
        await store.open()
    stack.push_async_callback(store.close)
    return store


def _in_redis(settings: Settings) -> bool:
    return settings.store.get_secret_value().startswith(("redis://", "rediss://", "unix://"))


def keeping(settings: Settings) -> str:
    """A line for the operator: where conversations are kept, for how long, and whether HTTP shows them.

    It contains no password, so it names Redis without its address.
    """
    place = "Redis" if _in_redis(settings) else settings.store.get_secret_value()
    off = "" if settings.admin_token.get_secret_value() else "; /api/conversations is off: no ANTIPHON_ADMIN_TOKEN"
    return f"{place}, kept for {settings.keep_days:g} days{off}"


# The agent, and how calls behave


def call_settings(settings: Settings, agent: VoiceAgent, options: CallOptions) -> CallSettings:
    """How one call behaves. Its patience is the call's own choice, else the agent's, else the server's."""
    patience = options.patience or agent.patience or settings.patience
    return CallSettings(
        voicing=settings.voicing,
        endpoint=endpoint_of(patience, settings.endpoint),
        overlap=overlap_of(patience, settings.overlap),
        run=settings.run,
        idle_prompt_s=settings.idle_prompt_s,
        idle_prompts=settings.idle_prompts,
        resume_s=settings.resume_s,
    )


_ITS_OWN = ("auto", "demo")
"""Values of ANTIPHON_MODEL that leave the agent its own model."""


def choose_agent(settings: Settings) -> VoiceAgent:
    """The demo agent, or the operator's own by `path/to/file.py:name`. Raises ConfigError."""
    if settings.agent == "demo":
        return front_desk()
    agent = load_agent(settings.agent)
    if agent.patience and agent.patience not in PRESETS:
        raise ConfigError(f"ANTIPHON_AGENT: the patience of {settings.agent} must be one of {', '.join(PRESETS)}")
    if settings.model in _ITS_OWN:
        _prepare_model(agent.agent, settings.agent)
    return agent


def _prepare_model(agent: AbstractAgent[Any, str], name: str) -> None:
    """Make the agent's own model now instead of in the first call. Raises ConfigError when it has none or it fails."""
    capability = agent.root_capability
    if agent.model is None and capability.get_model() is None:
        raise ConfigError(f"ANTIPHON_AGENT: {name} has no model: give it one, or name one in ANTIPHON_MODEL")
    if isinstance(agent, Agent) and isinstance(agent.model, str) and not capability.has_resolve_model_id:
        agent.model = _model(agent.model, f"ANTIPHON_AGENT: {name}")
    elif isinstance(agent.model, Model):
        send_unconverted(agent.model)


def choose_model(settings: Settings, name: str = "") -> Model | None:
    """The model that the settings name, in pydantic-ai's way; None leaves the agent its own model.

    `name` is the model that a call has asked for instead. Raises ConfigError, and PeerError when calls may not choose
    that model.
    """
    if name and name not in settings.allowed_models:
        raise PeerError(f"A call may not choose the model {name!r} here.")
    name = name or settings.model
    return None if name in _ITS_OWN else _model(name, "ANTIPHON_MODEL")


def _model(name: str, setting: str) -> Model:
    """Make the model with this pydantic-ai name. Raises ConfigError, which names `setting` as the reason."""
    try:
        return send_unconverted(infer_model(name))
    except Exception as exc:  # each provider has its own exception for a missing key or package
        raise ConfigError(f"{setting}: {name}: {str(exc).splitlines()[0]}") from exc
