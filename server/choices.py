"""What the settings choose: the agent and its model, the engines, the store. Composition root, with app.py."""

import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from inspect import iscoroutinefunction
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic_ai import Agent, TextOutput
from pydantic_ai.models import Model, infer_model

from server.agent.demo.front_desk import front_desk
from server.agent.openai_requests import spared
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
from server.speech.openai_http import OpenAISpeechToText, OpenAITextToSpeech
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
    name, better = settings.stt, ""
    whisper = models.find(settings.models_dir, "whisper", settings.stt_model or None)
    if name == "auto":
        name = "whisper" if whisper else "pocketsphinx"
        better = "" if whisper else "; a better one: antiphon models pull whisper"
    engine: SpeechToText
    if name == "openai":
        engine = OpenAISpeechToText(
            _needed(settings.stt_url, "ANTIPHON_STT_URL"),
            model=settings.stt_model or "whisper-1",
            api_key=settings.stt_api_key.get_secret_value() or None,
            languages=settings.stt_languages,
        )
    elif name.startswith("tcp://"):
        engine = WyomingSpeechToText(name, model=settings.stt_model or None, languages=settings.stt_languages)
        await engine.learn()
    elif name in ("whisper", "pocketsphinx"):
        if name == "whisper" and whisper is None:
            raise ConfigError(f"no Whisper model in {settings.models_dir}; get one: antiphon models pull whisper")
        uri = await _worker(name, str(whisper) if name == "whisper" else None, stack, monitor)
        engine = WyomingSpeechToText(uri)
        await engine.learn()
    else:
        raise ConfigError(f"ANTIPHON_STT: there is no speech-to-text engine {name!r}")
    stack.push_async_callback(engine.close)
    say(f"speech-to-text  {name}{better}")
    return WatchedSpeechToText(engine, monitor.watch("speech-to-text"))


async def text_to_speech(settings: Settings, stack: AsyncExitStack, say: Print, monitor: Monitor) -> TextToSpeech:
    name, better = settings.tts, ""
    piper = models.find(settings.models_dir, "piper", settings.tts_model or None)
    if name == "auto":
        name = "piper" if piper else "espeak"
        better = "" if piper else "; a better one: antiphon models pull piper"
    engine: TextToSpeech
    if name == "openai":
        engine = OpenAITextToSpeech(
            _needed(settings.tts_url, "ANTIPHON_TTS_URL"),
            model=settings.tts_model or "gpt-4o-mini-tts",
            api_key=settings.tts_api_key.get_secret_value() or None,
            voice=settings.tts_voice or "alloy",
            languages=settings.tts_languages,
        )
    elif name.startswith("tcp://"):
        engine = WyomingTextToSpeech(name, voice=settings.tts_voice, languages=settings.tts_languages)
        await engine.learn()
    elif name in ("piper", "espeak"):
        if name == "piper" and piper is None:
            raise ConfigError(f"no Piper voice in {settings.models_dir}; get one: antiphon models pull piper")
        uri = await _worker(name, str(piper) if name == "piper" else None, stack, monitor)
        engine = WyomingTextToSpeech(uri, voice=settings.tts_voice)
        await engine.learn()
    else:
        raise ConfigError(f"ANTIPHON_TTS: there is no text-to-speech engine {name!r}")
    stack.push_async_callback(engine.close)
    say(f"text-to-speech  {name}{better}")
    return WatchedTextToSpeech(engine, monitor.watch("text-to-speech"))


def endpoint_model(settings: Settings, stack: AsyncExitStack, say: Print) -> TurnModel | None:
    """Smart Turn when its file is there; without it words and cadence decide. Raises ConfigError for a wrong file."""
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


async def _worker(name: str, model: str | None, stack: AsyncExitStack, monitor: Monitor) -> str:
    """A worker process that hosts the engine; returns its URI."""
    supervisor = Supervisor(name, model)
    monitor.watch_worker(supervisor)
    await supervisor.start()
    stack.push_async_callback(supervisor.close)
    return supervisor.uri


def _needed(value: str, name: str) -> str:
    if not value:
        raise ConfigError(f"{name} is needed with the engine openai")
    return value


# Conversations at rest


@dataclass(frozen=True, slots=True)
class Keeper:
    """Where words and sound are kept."""

    store: Store
    outlives: bool
    """Whether the words are still there when the server has stopped."""
    recordings: Recordings | None
    archive: Archive

    def recorder(self, conversation_id: str) -> Recorder | None:
        return None if self.recordings is None else self.recordings.recorder(conversation_id)


async def open_archive(settings: Settings, stack: AsyncExitStack) -> Keeper:
    """What is kept of conversations, until the stack is left. Raises ConfigError."""
    recordings = Recordings(Path(settings.recordings_dir)) if settings.recordings_dir else None
    if recordings is not None:
        stack.push_async_callback(recordings.close)
    store = await choose_store(settings, stack)
    outlives = settings.store.get_secret_value() != ":memory:"
    return Keeper(store, outlives, recordings, Archive(store, recordings, wall_ms))


def wall_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


async def choose_store(settings: Settings, stack: AsyncExitStack) -> Store:
    """The store by its address, until the stack is left. Raises ConfigError."""
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
    """Where conversations are kept, without a password, for how long, and whether HTTP shows them."""
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
"""Names of a model that leave the agent its own."""


def choose_agent(settings: Settings) -> VoiceAgent:
    """The embedded agent, or the user's own by `path/to/file.py:name`; raises ConfigError."""
    if settings.agent == "demo":
        return front_desk()
    path, _, name = settings.agent.rpartition(":")
    if not path or not Path(path).is_file():
        raise ConfigError(f"ANTIPHON_AGENT: {settings.agent!r} is not path/to/file.py:name")
    spec = importlib.util.spec_from_file_location("antiphon_agent", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"ANTIPHON_AGENT: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    beside = str(Path(path).resolve().parent)
    if beside not in sys.path:
        sys.path.append(beside)  # as Python does for a script; last, so that nothing of ours is hidden
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        raise ConfigError(f"ANTIPHON_AGENT: {path} fails: {type(exc).__name__}: {exc}") from exc
    agent = getattr(module, name, None)
    if not isinstance(agent, VoiceAgent):
        raise ConfigError(f"ANTIPHON_AGENT: {name!r} in {path} is not a VoiceAgent")
    if not _answers_in_text(agent.agent.output_type):
        raise ConfigError(f"ANTIPHON_AGENT: the output_type of {name!r} in {path} is not text: nothing could be said")
    if iscoroutinefunction(agent.make_deps):
        raise ConfigError(f"ANTIPHON_AGENT: make_deps of {name!r} in {path} is async: tools would get a coroutine")
    if agent.patience and agent.patience not in PRESETS:
        raise ConfigError(f"ANTIPHON_AGENT: patience of {name!r} in {path} must be one of {', '.join(PRESETS)}")
    if settings.model in _ITS_OWN:
        _prepare_model(agent.agent, f"{name!r} in {path}")
    return agent


def _answers_in_text(output_type: object) -> bool:
    """Whether words are among what a pydantic-ai agent may answer with."""
    if isinstance(output_type, Sequence) or get_origin(output_type) in (Union, UnionType):
        kinds = output_type if isinstance(output_type, Sequence) else get_args(output_type)
        return any(map(_answers_in_text, kinds))
    return output_type is str or isinstance(output_type, TextOutput)


def _prepare_model(agent: Agent[Any, str], name: str) -> None:
    """What it brings itself is made now, not in the first call. Raises ConfigError when it has none that can be."""
    capability = agent.root_capability
    if agent.model is None and capability.get_model() is None:
        raise ConfigError(f"ANTIPHON_AGENT: {name} has no model: give it one, or name one in ANTIPHON_MODEL")
    if isinstance(agent.model, str) and not capability.has_resolve_model_id:
        agent.model = _model(agent.model, f"ANTIPHON_AGENT: {name}")
    elif isinstance(agent.model, Model):
        spared(agent.model)


def choose_model(settings: Settings, name: str = "") -> Model | None:
    """The model by its pydantic-ai name; None leaves the agent its own.

    `name` is what a call wishes for. Raises ConfigError, and PeerError when calls may not choose that.
    """
    if name and name not in settings.allowed_models:
        raise PeerError(f"A call may not choose the model {name!r} here.")
    name = name or settings.model
    return None if name in _ITS_OWN else _model(name, "ANTIPHON_MODEL")


def _model(name: str, setting: str) -> Model:
    try:
        return spared(infer_model(name))
    except Exception as exc:  # each provider complains in its own way of a missing key or package
        raise ConfigError(f"{setting}: {name}: {str(exc).splitlines()[0]}") from exc
