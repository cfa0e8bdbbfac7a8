"""The composition root: chooses engines, agent and store, builds the aiohttp application, starts and stops it all."""

import asyncio
import gc
import importlib.util
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from pydantic_ai.models import Model, infer_model

from server.agent.demo import front_desk
from server.agent.voice_agent import VoiceAgent
from server.call.archive import Archive
from server.call.conversation import Conversation
from server.call.directory import Directory
from server.call.journal import Journal
from server.call.minutes import Minutes
from server.call.options import CallOptions
from server.call.rtc_calls import RtcCalls
from server.call.session import Engines, Session
from server.call.settings import CallSettings
from server.call.store import Store
from server.call.ws_calls import WsCalls
from server.config import Settings
from server.errors import ConfigError, PeerError
from server.media.pacer import Pacer
from server.media.recordings import Recorder, Recordings
from server.network import client_servers, peer_settings
from server.speech import models
from server.speech.clips import Clips
from server.speech.openai_http import OpenAISpeechToText, OpenAITextToSpeech
from server.speech.protocols import SpeechToText, TextToSpeech, TurnModel
from server.speech.smart_turn import SmartTurn
from server.speech.supervisor import Supervisor
from server.speech.vad import CallVad, Silero
from server.speech.wyoming import WyomingSpeechToText, WyomingTextToSpeech
from server.stores.redis import RedisStore
from server.stores.sqlite import SqliteStore
from signaling import conversation, conversations, ice_servers, offer
from signaling.admin import Admin
from signaling.errors import errors_as_json

STATIC = Path(__file__).parent.parent / "static"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:; "
    "img-src 'self' data:; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

JOURNAL_S = 5.0
"""For the last records when the server stops: a store that is down then loses them."""

log = logging.getLogger(__name__)

Print = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Where words and sound are kept."""

    store: Store
    recordings: Recordings | None
    archive: Archive

    def recorder(self, conversation_id: str) -> Recorder | None:
        return None if self.recordings is None else self.recordings.recorder(conversation_id)


async def serve(settings: Settings, say: Print = print) -> None:
    """Serve until SIGINT or SIGTERM; `say` gets the lines for the person who started it. Raises ConfigError."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        agent, model = choose_agent(settings), choose_model(settings)
        peers = peer_settings(settings)
        stt = await _speech_to_text(settings, stack, say)
        tts = await _clips(agent, await _text_to_speech(settings, stack, say))
        say(f"agent           {agent.name}, model {settings.model if model else 'its own'}")
        keeper = await open_archive(settings, stack)
        stack.push_async_callback(keeper.archive.close)
        keeper.archive.start(settings.keep_days)
        say(f"conversations   {_keeping(settings)}")
        silero, turn_model = Silero(), _turn_model(settings, stack, say)

        def engines(chosen: str) -> Engines:
            """Of one call, with the model that it has chosen, if any."""
            own = choose_model(settings, chosen) if chosen else model
            return Engines(stt, tts, CallVad(silero), turn_model, own)

        directory = _directory(settings, agent, engines, keeper, stack)
        pacer = Pacer()
        calls = RtcCalls(directory, pacer, settings.connect_s, peers)
        stack.push_async_callback(calls.close)
        app = application()
        offer.add_routes(app, calls)
        conversation.add_routes(app, WsCalls(directory, pacer, settings.vanished_s), settings.allowed_origins)
        ice_servers.add_routes(app, client_servers(settings), settings.turn_ttl_s)
        conversations.add_routes(app, keeper.archive, Admin(settings.admin_token.get_secret_value()))
        gc.collect()
        gc.freeze()  # what is loaded by now stays: looking through it for garbage holds the loop up for 80 ms
        say(f"Antiphon is at  {await _listen(settings, app, stack)}")
        await stop.wait()
        say(f"Stopping: calls may go on for {settings.drain_s:g} s.")
        await directory.drain(settings.drain_s)


def _directory(
    settings: Settings,
    agent: VoiceAgent,
    engines: Callable[[str], Engines],
    keeper: Keeper,
    stack: AsyncExitStack,
) -> Directory:
    """Where sessions begin and are found, each written down in the store; closed with the stack."""
    clock = asyncio.get_running_loop().time
    call_settings = CallSettings(
        voicing=settings.voicing,
        endpoint=settings.endpoint,
        overlap=settings.overlap,
        run=settings.run,
        idle_prompt_s=settings.idle_prompt_s,
        idle_prompts=settings.idle_prompts,
        resume_s=settings.resume_s,
    )

    def open_session(session_id: str, options: CallOptions) -> Session:
        return restore(Conversation(session_id, agent.name, wall_ms(), wall_ms()), options)

    def restore(record: Conversation, options: CallOptions) -> Session:
        own = engines(options.model)
        minutes = Minutes(record, journal.note, wall_ms, clock)
        return Session(minutes, agent, own, call_settings, options, keeper.recorder(record.id))

    directory = Directory(open_session, settings.max_calls, restore, keeper.store)
    journal = Journal(keeper.store, directory.lose)
    stack.push_async_callback(journal.close, JOURNAL_S)
    stack.push_async_callback(directory.close)
    return directory


async def _listen(settings: Settings, app: web.Application, stack: AsyncExitStack) -> str:
    """Serve HTTP from now on; returns the URL. Raises ConfigError when the port cannot be had."""
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=15, shutdown_timeout=5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as exc:
        reason = os.strerror(exc.errno).lower() if exc.errno else str(exc)
        raise ConfigError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from exc
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


def application() -> web.Application:
    """The HTTP side: the page; who serves more adds its routes."""
    app = web.Application(middlewares=[errors_as_json], client_max_size=offer.MAX_BODY_BYTES)
    app.router.add_get("/", _index)
    app.router.add_static("/", STATIC)
    app.on_response_prepare.append(_add_headers)
    return app


async def _index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)


# Engines


async def _speech_to_text(settings: Settings, stack: AsyncExitStack, say: Print) -> SpeechToText:
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
        )
    elif name.startswith("tcp://"):
        engine = WyomingSpeechToText(name, model=settings.stt_model or None)
    elif name in ("whisper", "pocketsphinx"):
        if name == "whisper" and whisper is None:
            raise ConfigError(f"no Whisper model in {settings.models_dir}; get one: antiphon models pull whisper")
        engine = WyomingSpeechToText(await _worker(name, str(whisper) if name == "whisper" else None, stack))
    else:
        raise ConfigError(f"ANTIPHON_STT: there is no speech-to-text engine {name!r}")
    stack.push_async_callback(engine.close)
    say(f"speech-to-text  {name}{better}")
    return engine


async def _text_to_speech(settings: Settings, stack: AsyncExitStack, say: Print) -> TextToSpeech:
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
        )
    elif name.startswith("tcp://"):
        engine = WyomingTextToSpeech(name, voice=settings.tts_voice)
    elif name in ("piper", "espeak"):
        if name == "piper" and piper is None:
            raise ConfigError(f"no Piper voice in {settings.models_dir}; get one: antiphon models pull piper")
        uri = await _worker(name, str(piper) if name == "piper" else None, stack)
        engine = WyomingTextToSpeech(uri, voice=settings.tts_voice)
    else:
        raise ConfigError(f"ANTIPHON_TTS: there is no text-to-speech engine {name!r}")
    stack.push_async_callback(engine.close)
    say(f"text-to-speech  {name}{better}")
    return engine


def _turn_model(settings: Settings, stack: AsyncExitStack, say: Print) -> TurnModel | None:
    """Smart Turn when its file is there; without it words and cadence decide. Raises ConfigError for a wrong file."""
    if settings.turn_model == "none":
        return None
    auto = settings.turn_model == "auto"
    path = models.find(settings.models_dir, "smart-turn") if auto else Path(settings.turn_model)
    if path is None:
        return None
    turn_model = SmartTurn(path)
    stack.callback(turn_model.close)
    say(f"turn model      {path.stem}")
    return turn_model


async def _worker(name: str, model: str | None, stack: AsyncExitStack) -> str:
    """A worker process that hosts the engine; returns its URI."""
    supervisor = Supervisor(name, model)
    await supervisor.start()
    stack.push_async_callback(supervisor.close)
    return supervisor.uri


def _needed(value: str, name: str) -> str:
    if not value:
        raise ConfigError(f"{name} is needed with the engine openai")
    return value


# Conversations at rest


async def open_archive(settings: Settings, stack: AsyncExitStack) -> Keeper:
    """What is kept of conversations, until the stack is left. Raises ConfigError."""
    recordings = Recordings(Path(settings.recordings_dir)) if settings.recordings_dir else None
    if recordings is not None:
        stack.push_async_callback(recordings.close)
    store = await choose_store(settings, stack)
    return Keeper(store, recordings, Archive(store, recordings, wall_ms))


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


def _keeping(settings: Settings) -> str:
    """Where conversations are kept, without a password, for how long, and whether HTTP shows them."""
    place = "Redis" if _in_redis(settings) else settings.store.get_secret_value()
    off = "" if settings.admin_token.get_secret_value() else "; /api/conversations is off: no ANTIPHON_ADMIN_TOKEN"
    return f"{place}, kept for {settings.keep_days:g} days{off}"


# The agent


async def _clips(agent: VoiceAgent, tts: TextToSpeech) -> TextToSpeech:
    """What the agent says to everybody is made once, and is there when the engine is not."""
    clips = Clips(tts, (agent.greeting, agent.goodbye, agent.still_there, agent.apology))
    await clips.prepare(agent.voice)
    return clips


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
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        raise ConfigError(f"ANTIPHON_AGENT: {path} fails: {type(exc).__name__}: {exc}") from exc
    agent = getattr(module, name, None)
    if not isinstance(agent, VoiceAgent):
        raise ConfigError(f"ANTIPHON_AGENT: {name!r} in {path} is not a VoiceAgent")
    return agent


def choose_model(settings: Settings, name: str = "") -> Model | None:
    """The model by its pydantic-ai name; None leaves the agent its own.

    `name` is what a call wishes for. Raises ConfigError, and PeerError when calls may not choose that.
    """
    if name and name not in settings.allowed_models:
        raise PeerError(f"A call may not choose the model {name!r} here.")
    name = name or settings.model
    if name in ("auto", "demo"):
        return None
    try:
        return infer_model(name)
    except Exception as exc:  # each provider complains in its own way of a missing key or package
        raise ConfigError(f"ANTIPHON_MODEL: {name}: {str(exc).splitlines()[0]}") from exc
