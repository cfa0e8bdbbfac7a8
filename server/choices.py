"""What the settings choose: the store, the agents and their model. The speech engines are chosen in engines.py."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.models import Model
from pydantic_ai.realtime import RealtimeModel

from server.agent.agent_file import AgentFiles, places
from server.agent.agents import Agents
from server.agent.call_info import CallInfo
from server.agent.client_agent import NAME, client_agent
from server.agent.demo.front_desk import front_desk
from server.agent.functions import Functions
from server.agent.models import check_settings, make_model, prepare
from server.agent.spoken.names import is_spoken, make_spoken
from server.agent.voice_agent import AUTO, VoiceAgent
from server.call.caller import Caller
from server.call.options import CallOptions
from server.call.settings import CallSettings
from server.call.turns.patience import PRESETS, endpoint_of, overlap_of
from server.config import Settings
from server.errors import ConfigError, PeerError
from server.media.recordings import Recorder, Recordings
from server.record.archive import Archive
from server.record.store import Store
from server.record.stores.redis import RedisStore
from server.record.stores.redis_client import is_redis
from server.record.stores.sqlite import SqliteStore

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
    if is_redis(settings.store.get_secret_value()):
        store = RedisStore(settings.store.get_secret_value())
    else:
        store = SqliteStore(settings.store.get_secret_value())
        await store.open()
    stack.push_async_callback(store.close)
    return store


def keeping(settings: Settings) -> str:
    """A line for the operator: where conversations are kept, for how long, and whether HTTP shows them.

    It contains no password, so it names Redis without its address.
    """
    place = "Redis" if is_redis(settings.store.get_secret_value()) else settings.store.get_secret_value()
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
        spoken=settings.spoken,
        waiting=settings.waiting,
        idle_prompt_s=settings.idle_prompt_s,
        idle_prompts=settings.idle_prompts,
        longest_call_min=settings.longest_call_min,
        budget=settings.budget,
        failed_turns=settings.failed_turns,
        resume_s=settings.resume_s,
        hold_s=settings.hold_s,
    )


def call_info(caller: Caller, kept_language: str, wanted_language: str, agent: VoiceAgent) -> CallInfo:
    """What the agent is told about a call. The language is that of the call before it moved here, or the wanted one."""
    wanted = wanted_language if wanted_language != AUTO else ""
    language = kept_language or wanted or agent.own_language
    return replace(told_before(caller), language=language)


def told_before(caller: Caller) -> CallInfo:
    """What is known of a call before it has an agent, and so before it has a language."""
    return CallInfo(
        caller.name, caller.context, "", caller.transport, caller.request, caller.headers, caller.dialled, caller.number
    )


_ITS_OWN = ("auto", "demo")
"""Values of ANTIPHON_MODEL that leave the agent its own model. Others may come after them."""


def choose_agents(settings: Settings) -> Agents:
    """The agents that the settings name, which are the operator's own, the demo agent, or the client's agent.

    Beside the demo agent, the client's agent is there for who asks for it. Raises ConfigError.
    """
    files, by_place = AgentFiles(), dict[str, VoiceAgent]()
    named = places(settings.agent)
    for place in dict.fromkeys(named.values()):
        if place == "demo":
            by_place[place] = front_desk()
        else:
            by_place[place] = _own_agent(settings, files, place)
    router = files.router(settings.router) if settings.router else None
    unlisted = {NAME: client_agent()} if [*named.values()] == ["demo"] else {}
    functions = Functions(settings.run.functions_s)
    return Agents({name: by_place[place] for name, place in named.items()}, router, functions, unlisted)


def _own_agent(settings: Settings, files: AgentFiles, place: str) -> VoiceAgent:
    agent = client_agent() if place == NAME else files.agent(place)
    if agent.patience and agent.patience not in PRESETS:
        raise ConfigError(f"ANTIPHON_AGENT: the patience of {place} must be one of {', '.join(PRESETS)}")
    speaks = is_spoken(settings.model[0]) if settings.model else False
    if _named_models(settings)[0] in _ITS_OWN and not (speaks and not has_model(agent.agent)):
        _prepare_model(agent.agent, place)
    return agent


def _prepare_model(agent: AbstractAgent[Any, str], name: str) -> None:
    """Make the agent's own model now instead of in the first call. Raises ConfigError when it has none or it fails."""
    if not has_model(agent):
        raise ConfigError(f"ANTIPHON_AGENT: {name} has no model: give it one, or name one in ANTIPHON_MODEL")
    if isinstance(agent, Agent) and isinstance(agent.model, str) and not agent.root_capability.has_resolve_model_id:
        agent.model = _model(agent.model, f"ANTIPHON_AGENT: {name}")
    elif isinstance(agent.model, Model):
        prepare(agent.model)


def has_model(agent: AbstractAgent[Any, str]) -> bool:
    """Whether the agent brings a model of its own."""
    return agent.model is not None or agent.root_capability.get_model() is not None


def check_choice(settings: Settings, name: str) -> None:
    """Raises PeerError when calls may not choose the model with this name."""
    if name not in settings.allowed_models:
        raise PeerError(f"A call may not choose the model {name!r} here.")


def choose_spoken(settings: Settings, name: str = "") -> RealtimeModel | None:
    """The speech-to-speech model that the settings name first, or the one that a call has asked for, by `name`.

    None: there is none. Raises ConfigError.
    """
    name = name or (settings.model[0] if settings.model else "")
    if not is_spoken(name):
        return None
    try:
        return make_spoken(name, settings.spoken.url)
    except ConfigError as exc:
        raise ConfigError(f"ANTIPHON_MODEL: {exc}") from exc


def choose_model(settings: Settings, name: str = "") -> Model | None:
    """The first model for words that the settings name, in pydantic-ai's way; None leaves the agent its own model.

    `name` is the model that a call has asked for instead. Raises ConfigError.
    """
    name = name or _named_models(settings)[0]
    try:
        check_settings(settings.run.model_settings)
    except ConfigError as exc:
        raise ConfigError(f"ANTIPHON_RUN_MODEL_SETTINGS: {exc}") from exc
    return None if name in _ITS_OWN else _model(name, "ANTIPHON_MODEL")


def choose_fallbacks(settings: Settings) -> tuple[Model, ...]:
    """The models after the first one that the settings name. Raises ConfigError."""
    return tuple(_model(name, "ANTIPHON_MODEL") for name in _named_models(settings)[1:])


def _named_models(settings: Settings) -> tuple[str, ...]:
    """The names of the models for words, at least one. Raises ConfigError."""
    names = settings.model
    if names and is_spoken(names[0]):
        names = names[1:] or _ITS_OWN[:1]
    if not names or any(name in _ITS_OWN for name in names[1:]):
        raise ConfigError("ANTIPHON_MODEL: name a model; auto and demo can only be the first")
    if any(map(is_spoken, names)):
        raise ConfigError("ANTIPHON_MODEL: only the first model can hear and speak itself")
    return names


def _model(name: str, setting: str) -> Model:
    """Make the model with this pydantic-ai name. Raises ConfigError, which names `setting` as the reason."""
    try:
        return make_model(name)
    except ConfigError as exc:
        raise ConfigError(f"{setting}: {exc}") from exc
