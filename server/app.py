"""The composition root: builds the server as the settings choose, starts it, and drains and stops it at the end."""

import asyncio
import gc
import logging
import os
import re
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from server.agent.toolsets import Toolsets
from server.agent.voice_agent import AUTO, VoiceAgent
from server.call.caller import Caller
from server.call.desk.admission import Admission
from server.call.desk.directory import Directory
from server.call.line.rtc_calls import RtcCalls
from server.call.line.ws_calls import WsCalls
from server.call.mind.fixed_lines import fixed_lines
from server.call.mind.language import check_language, possible_languages, stages_of
from server.call.options import CallOptions
from server.call.session import Session
from server.call.setup import CallSetup, Engines
from server.callers import expected, key_set, origins
from server.choices import Keeper, call_info, call_settings, choose_agent, choose_model, keeping, open_archive, wall_ms
from server.config import Settings
from server.engines import Print, advice, check_languages, endpoint_model, speech_to_text, text_to_speech
from server.errors import AtCapacity, ConfigError
from server.media.pacer import Pacer
from server.network import client_servers, peer_settings
from server.record.conversation import Conversation
from server.record.journal import Journal
from server.record.minutes import Minutes
from server.speech.cached_tts import CachedTextToSpeech, FixedText
from server.speech.vad import CallVad, Silero
from server.telemetry.exporter import Exporter
from server.telemetry.monitor import Monitor
from signaling import agent as who_answers
from signaling import conversations, health, ice_servers, metrics, offer, token_api, websocket
from signaling.access import Access
from signaling.admin import Admin
from signaling.bodies import MAX_BODY_BYTES
from signaling.errors import errors_as_json
from signaling.health import Health
from signaling.origins import Origins

STATIC = Path(__file__).parent.parent / "static"
POLICY = "default-src 'self'; media-src 'self' blob:; img-src 'self' data:; frame-ancestors 'none'"
SECURITY_HEADERS = {
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

JOURNAL_S = 5.0
"""How long a server that stops waits for its last records to be written. Records that a store still refuses then are
lost."""
STORE_IS_DOWN = "The store of conversations is not available; what is said waits in memory."
FULL_COLLECTIONS_AFTER = 3
"""After how many collections of the middle generation the garbage collector looks at all objects. Python waits for
10. See `settle_memory`."""
SHUTDOWN_S = 5.0
"""How long a server that stops waits for HTTP requests that it is still answering. The WebSockets of calls are closed
before."""

log = logging.getLogger(__name__)


async def serve(settings: Settings, say: Print = print) -> None:
    """Serve until SIGINT or SIGTERM. `say` shows lines to the operator. Raises ConfigError if it cannot start."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        parts, pacer = Health(), Pacer()
        exporter = Exporter()
        stack.callback(exporter.close)
        monitor = Monitor(exporter.meter, pacer, parts)
        agent, engines, peers = choose_agent(settings), _Chosen(settings), peer_settings(settings)
        keys = await key_set(settings, stack)
        starting = await _listen(settings.host, settings.port, starting_application(parts), stack)
        await engines.load(agent, stack, say, monitor)
        keeper = await open_archive(settings, stack)
        stack.push_async_callback(keeper.archive.close)
        keeper.archive.start(settings.keep_days)
        if (recordings := keeper.recordings) is not None:
            monitor.watch_drops("antiphon.recording.dropped", lambda: {"pieces": recordings.dropped})
        say(f"conversations   {keeping(settings)}")
        say(f"callers         {'everybody' if keys is None else 'with a token'}")
        toolsets = Toolsets(agent, settings.run)
        stack.push_async_callback(toolsets.close)
        agent = await toolsets.start()
        directory = _directory(settings, agent, engines.of_call, keeper, monitor, parts, stack)
        calls = RtcCalls(directory, pacer, peers.connect_s, peers)
        stack.push_async_callback(calls.close)
        monitor.watch_drops("antiphon.media.dropped", calls.drops)
        pacer.join(monitor.loop.tick)
        stack.callback(pacer.leave, monitor.loop.tick)
        app, whom = application(origins(settings), settings.access_token_url), expected(settings, agent.name)
        access, admin = Access(keys, whom), Admin(settings.admin_token.get_secret_value())
        if keys is not None:
            parts.add("callers' keys", lambda: keys.trouble, needed=False)
        health.add_routes(app, parts)
        if settings.metrics:
            metrics.add_routes(app, exporter.text)
        offer.add_routes(app, calls, access.admit)
        sockets = WsCalls(directory, pacer, settings.vanished_s)
        websocket.add_routes(app, sockets, access.admit)
        conversations.add_routes(app, keeper.archive, admin)
        token_api.add_routes(app, admin, settings.access_secret.get_secret_value(), whom)
        needed = keys is not None
        who_answers.add_routes(app, agent.name, agent.about, agent.examples, needed, settings.access_token_url)
        ice_servers.add_routes(app, client_servers(settings), settings.turn_ttl_s, access.admit, directory.holds)
        port = starting.addresses[0][1]
        settle_memory()
        parts.remove("start")
        await starting.cleanup()
        say(f"Antiphon is at  {_url(await _listen(settings.host, port, app, stack))}")
        await stop.wait()
        say(f"Stopping: calls may go on for {settings.drain_s:g} s.")
        await directory.drain(settings.drain_s, put_away=keeper.outlives)


class _Chosen:
    """The speech engines, the models and the voice activity detection that the settings choose for all calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model = choose_model(settings)

    async def load(self, agent: VoiceAgent, stack: AsyncExitStack, say: Print, monitor: Monitor) -> None:
        """Start the engines. The stack closes them. Raises ConfigError."""
        self._agent = agent
        self._stt = await speech_to_text(self._settings, agent.language, stack, say, monitor)
        tts = await text_to_speech(self._settings, agent.own_language, stack, say, monitor)
        check_languages(agent.own_language, self._stt, tts)
        fixed = [FixedText(text, how.voice, how.language) for text, how in fixed_lines(agent)]
        self._tts = CachedTextToSpeech(tts, fixed)
        await self._tts.prepare()
        self._endpoint_model = await endpoint_model(self._settings, stack, say, monitor)
        self._silero = Silero()
        if missed := advice(self._settings):
            say(missed)
        if agent.language == AUTO:
            say(f"languages       {self._detected()}")
        say(f"agent           {agent.name}, model {self._settings.model if self._model else 'its own'}")

    def _detected(self) -> str:
        """What the operator reads about the languages that are told apart."""
        found = possible_languages(self._agent, stages_of(self._agent, self.of_call(CallOptions())))
        alone = "; to detect others, get a model that knows them: antiphon models pull whisper --name base"
        return f"{', '.join(found)}{alone if len(found) == 1 else ''}"

    def of_call(self, options: CallOptions) -> Engines:
        """The engines of one call, with the model that the call has chosen, if it has chosen one.

        Raises PeerError when the call may not choose this model or language.
        """
        model = choose_model(self._settings, options.model) if options.model else self._model
        engines = Engines(self._stt, self._tts, CallVad(self._silero), self._endpoint_model, model)
        check_language(options.language, stages_of(self._agent, engines))
        return engines


def _directory(
    settings: Settings,
    agent: VoiceAgent,
    engines: Callable[[CallOptions], Engines],
    keeper: Keeper,
    monitor: Monitor,
    parts: Health,
    stack: AsyncExitStack,
) -> Directory:
    """Make the directory, in which sessions begin and are found, and the journal, which writes them to the store.

    The stack closes both.
    """
    clock, admission = asyncio.get_running_loop().time, Admission(settings.admission)

    def open_session(session_id: str, caller: Caller, options: CallOptions) -> Session:
        now_ms = wall_ms()
        return restore(Conversation(session_id, agent.name, now_ms, now_ms, caller=caller.name), caller, options)

    def restore(record: Conversation, caller: Caller, options: CallOptions) -> Session:
        chosen = engines(options)  # which may refuse the options
        figures = call_settings(settings, agent, options)
        minutes = Minutes(record, journal.note, wall_ms, clock)
        about = call_info(caller, record.standing.language, options.language, agent)
        deps = agent.deps_of(record.agent_state, about)
        setup = CallSetup(agent, deps, chosen, figures, options, caller)
        recorder = keeper.recorder(record.id) if caller.record is not False else None
        return Session(minutes, setup, recorder, monitor.calls.observe)

    directory = Directory(
        open_session, settings.max_calls, restore, keeper.store, lambda: admission.judge(monitor.load())
    )
    journal = Journal(keeper.store, directory.lose)
    monitor.watch_calls(directory)
    monitor.watch_drops("antiphon.journal.dropped", lambda: {"records": journal.lost})
    parts.add("store", lambda: STORE_IS_DOWN if journal.down else "", needed=False)
    stack.push_async_callback(journal.close, JOURNAL_S)
    stack.push_async_callback(directory.close)
    return directory


async def _listen(host: str, port: int, app: web.Application, stack: AsyncExitStack) -> web.AppRunner:
    """Serve `app` from now on. Raises ConfigError when the address or the port cannot be used."""
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=15, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except socket.gaierror as exc:  # its error numbers are not those of the system
        raise ConfigError(f"cannot listen on {host}:{port}: {(exc.strerror or str(exc)).lower()}") from exc
    except OSError as exc:
        reason = os.strerror(exc.errno).lower() if exc.errno else str(exc)
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from exc
    return runner


def settle_memory() -> None:
    """Keep the pauses of the garbage collector short, because no call gets a packet during a pause.

    What lives as long as the server (libraries, models, the agent) is taken out of the collector's sight. These are
    200,000 objects, and a full collection that looks at all of them takes 90 ms. Objects that calls leave behind are
    collected three times as often as by Python's default: in steps of 10 ms instead of 30.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_COLLECTIONS_AFTER)


def _url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def starting_application(parts: Health) -> web.Application:
    """Make the HTTP side for the time while models load: it answers health checks, and asks clients to come again."""

    async def refuse(request: web.Request) -> web.Response:
        raise AtCapacity("The server is starting. Please call again in a moment.", health.RETRY_AFTER_S)

    app = web.Application(middlewares=[errors_as_json])
    parts.add("start", lambda: "The server is starting.", needed=True)
    health.add_routes(app, parts)
    app.router.add_route("*", "/{path:.*}", refuse)
    return app


def application(origins: Origins | None = None, token_url: str = "") -> web.Application:
    """Make the HTTP side with the page and the security headers. `serve` adds the other routes.

    The page asks `token_url` for the tokens of its calls.
    """
    app = web.Application(middlewares=[errors_as_json], client_max_size=MAX_BODY_BYTES)
    (origins or Origins()).guard(app)
    app.router.add_get("/", _index)
    app.router.add_static("/", STATIC)
    elsewhere = " ".join(re.findall(r"^https?://[^/?#]+", token_url))
    policy = f"{POLICY}; connect-src 'self' ws: wss: {elsewhere}".rstrip()
    headers = SECURITY_HEADERS | {"Content-Security-Policy": policy}

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    app.on_response_prepare.append(add_headers)
    return app


async def _index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")
