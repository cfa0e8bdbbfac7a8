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
from server.speech import models
from server.speech.openai_http import OpenAIServer, OpenAISpeechToText, OpenAITextToSpeech
from server.speech.protocols import SpeechToText, TextToSpeech, TurnModel
from server.speech.smart_turn import SmartTurn
from server.speech.supervisor import Supervisor
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from server.telemetry.monitor import Monitor
from server.telemetry.watched_engines import WatchedSpeechToText, WatchedTextToSpeech

Print = Callable[[str], None]


# Engines


async def speech_to_text(settings: Settings, stack: AsyncExitStack, say: Print, monitor: Monitor) -> SpeechToText:
    """The engine that the settings name, started; closed with the stack. Raises ConfigError."""
    here = _Local("whisper", "pocketsphinx", models.find(settings.models_dir, "whisper", settings.stt_model or None))
    name = here.best_name if settings.stt == "auto" else settings.stt
    engine: OpenAISpeechToText | WyomingSpeechToText
    if name == "openai":
        address = _needed(settings.stt_url, "ANTIPHON_STT_URL")
        engine = OpenAISpeechToText(
            OpenAIServer(address, settings.stt_api_key.get_secret_value() or None),
            model=settings.stt_model or "whisper-1",
            languages=settings.stt_languages,
        )
    elif name.startswith("tcp://"):
        engine = WyomingSpeechToText(name, model=settings.stt_model or None, languages=settings.stt_languages)
    elif name in here.names:
        engine = WyomingSpeechToText(await _worker(here, name, settings, stack, monitor))
    else:
        raise ConfigError(f"ANTIPHON_STT: there is no speech-to-text engine {name!r}")
    stack.push_async_callback(engine.close)
    if isinstance(engine, WyomingSpeechToText):
        await engine.learn()
    say(f"speech-to-text  {name}{here.advice(settings.stt)}")
    return WatchedSpeechToText(engine, monitor.watch("speech-to-text"))


async def text_to_speech(settings: Settings, stack: AsyncExitStack, say: Print, monitor: Monitor) -> TextToSpeech:
    """The engine that the settings name, started; closed with the stack. Raises ConfigError."""
    here = _Local("piper", "espeak", models.find(settings.models_dir, "piper", settings.tts_model or None))
    name = here.best_name if settings.tts == "auto" else settings.tts
    engine: OpenAITextToSpeech | WyomingTextToSpeech
    if name == "openai":
        address = _needed(settings.tts_url, "ANTIPHON_TTS_URL")
        engine = OpenAITextToSpeech(
            OpenAIServer(address, settings.tts_api_key.get_secret_value() or None),
            model=settings.tts_model or "gpt-4o-mini-tts",
            voice=settings.tts_voice or "alloy",
            languages=settings.tts_languages,
        )
    elif name.startswith("tcp://"):
        engine = WyomingTextToSpeech(name, voice=settings.tts_voice, languages=settings.tts_languages)
    elif name in here.names:
        engine = WyomingTextToSpeech(await _worker(here, name, settings, stack, monitor), voice=settings.tts_voice)
    else:
        raise ConfigError(f"ANTIPHON_TTS: there is no text-to-speech engine {name!r}")
    stack.push_async_callback(engine.close)
    if isinstance(engine, WyomingTextToSpeech):
        await engine.learn()
    say(f"text-to-speech  {name}{here.advice(settings.tts)}")
    return WatchedTextToSpeech(engine, monitor.watch("text-to-speech"))


def endpoint_model(settings: Settings, stack: AsyncExitStack, say: Print) -> TurnModel | None:
    """Smart Turn when its file is there; None when it is not: then words and cadence alone find the endpoint.

    Raises ConfigError for a file that is no such model.
    """
    if settings.endpoint_model == "none":
        return None
    auto = settings.endpoint_model == "auto"
    path = models.find(settings.models_dir, "smart-turn") if auto else Path(settings.endpoint_model)
    if path is None:
        return None
    model = SmartTurn(path)
    stack.callback(model.close)
    say(f"endpoint model  {path.stem}")
    return model


@dataclass(frozen=True, slots=True)
class _Local:
    """The engines of one kind that run in a worker process here."""

    better: str
    """The name of the engine that needs a model on disk, and of that model."""
    embedded: str
    """The name of the engine that needs none."""
    model: Path | None
    """The model on disk, if there is one."""

    @property
    def names(self) -> tuple[str, str]:
        return self.better, self.embedded

    @property
    def best_name(self) -> str:
        """The name of the best engine that can run."""
        return self.better if self.model else self.embedded

    def advice(self, setting: str) -> str:
        """For the operator who has left the choice to "auto" and has no model."""
        return f"; a better one: antiphon models pull {self.better}" if setting == "auto" and not self.model else ""


async def _worker(here: _Local, name: str, settings: Settings, stack: AsyncExitStack, monitor: Monitor) -> str:
    """Start a worker process that hosts the engine; returns its URI. Raises ConfigError."""
    if name == here.better and here.model is None:
        raise ConfigError(f"there is no {name} model in {settings.models_dir}; get one: antiphon models pull {name}")
    supervisor = Supervisor(name, str(here.model) if name == here.better else None)
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
    """Whether the words are still there after the server has stopped."""
    recordings: Recordings | None
    archive: Archive

    def recorder(self, conversation_id: str) -> Recorder | None:
        return None if self.recordings is None else self.recordings.recorder(conversation_id)


async def open_archive(settings: Settings, stack: AsyncExitStack) -> Keeper:
    """The store and the recordings that the settings name; closed with the stack. Raises ConfigError."""
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
    """The store at the address in the settings; closed with the stack. Raises ConfigError."""
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
    """A line for the operator: where conversations are kept, for how long, and whether HTTP shows them. No password."""
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
    """Make the agent's own model now and not in the first call. Raises ConfigError when there is none or it fails."""
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
    """The model by its pydantic-ai name; `setting` is the one to blame in a ConfigError."""
    try:
        return send_unconverted(infer_model(name))
    except Exception as exc:  # each provider has its own exception for a missing key or package
        raise ConfigError(f"{setting}: {name}: {str(exc).splitlines()[0]}") from exc
