"""The composition root: builds the server as the settings choose, starts it, and drains and stops it at the end."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from aiohttp import web

from server.agent.breakers import Breakers
from server.agent.dependencies import dependencies
from server.agent.functions import Functions
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import AUTO, VoiceAgent
from server.call.caller import Caller
from server.call.desk.admission import Admission
from server.call.desk.directory import Directory
from server.call.desk.limits import Limits
from server.call.line.rtc_calls import RtcCalls
from server.call.line.ws_calls import WsCalls
from server.call.mind.fixed_lines import fixed_lines
from server.call.mind.language import check_language, possible_languages, stages_of
from server.call.options import CallOptions
from server.call.session import Session
from server.call.setup import CallSetup, Engines
from server.callers import expected, key_set
from server.choices import (
    Keeper,
    call_info,
    call_settings,
    choose_agent,
    choose_fallbacks,
    choose_model,
    keeping,
    open_archive,
    wall_ms,
)
from server.config import Settings
from server.engines import Print, advice, check_languages, endpoint_model, speech_to_text, text_to_speech
from server.media.pacer import Pacer
from server.network import client_servers, peer_settings
from server.outgoing import open_webhooks
from server.record.conversation import Conversation
from server.record.journal import Journal
from server.record.minutes import Minutes
from server.speech.cached_tts import CachedTextToSpeech, FixedText
from server.speech.vad import CallVad, Silero
from server.telemetry.exporter import Exporter
from server.telemetry.monitor import Monitor
from server.telemetry.watched_engines import WatchedSpeechToText, WatchedTextToSpeech
from server.web import Sites
from server.webhooks.webhooks import Around
from signaling import agent as who_answers
from signaling import calls as live_calls
from signaling import conversations, ice_servers, metrics, offer, token_api, websocket
from signaling.access import Access
from signaling.admin import Admin
from signaling.health import Health

JOURNAL_S = 5.0
"""How long a server that stops waits for its last records to be written. Records that a store still refuses then are
lost."""
STORE_IS_DOWN = "The store of conversations is not available; what is said waits in memory."
FULL_COLLECTIONS_AFTER = 3
"""After how many collections of the middle generation the garbage collector looks at all objects. Python waits for
10. See `settle_memory`."""

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
        keys, sites = await key_set(settings, stack), Sites(settings)
        if keys is not None:
            parts.add("callers' keys", lambda: keys.trouble, needed=False)
        await sites.start(parts, stack)
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
        access = Access(keys, expected(settings, agent.name), sites.proxies)
        sockets = WsCalls(directory, pacer, settings.vanished_s)
        _for_callers(sites.public, settings, agent, access, directory, calls, sockets)
        _for_operators(sites.operations, settings, agent.name, exporter, keeper, directory)
        settle_memory()
        await sites.open(parts, stack)
        for line in sites.where():
            say(line)
        await stop.wait()
        say(f"Stopping: calls may go on for {settings.drain_s:g} s.")
        await directory.drain(settings.drain_s, put_away=keeper.outlives)


def _for_callers(
    app: web.Application, settings: Settings, agent: VoiceAgent, access: Access, directory: Directory, calls: RtcCalls,
    sockets: WsCalls,
) -> None:  # fmt: skip
    """Add the routes for callers."""
    offer.add_routes(app, calls, access.admit)
    websocket.add_routes(app, sockets, access.admit)
    about = (agent.name, agent.about, agent.examples)
    who_answers.add_routes(app, *about, access.needs_token, settings.access_token_url)
    ice_servers.add_routes(app, client_servers(settings), settings.turn_ttl_s, access.admit, directory.holds)


def _for_operators(
    app: web.Application, settings: Settings, agent: str, exporter: Exporter, keeper: Keeper, directory: Directory
) -> None:
    """Add the routes for operators, except those of health, which `Sites` adds."""
    if settings.metrics:
        metrics.add_routes(app, exporter.page)
    admin = Admin(settings.admin_token.get_secret_value())
    conversations.add_routes(app, keeper.archive, admin)
    live_calls.add_routes(app, directory, admin)
    token_api.add_routes(app, admin, settings.access_secret.get_secret_value(), expected(settings, agent))


class _Chosen:
    """The speech engines, the models and the voice activity detection that the settings choose for all calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model = choose_model(settings)
        self._fallbacks = choose_fallbacks(settings)
        self._breakers = Breakers()

    async def load(self, agent: VoiceAgent, stack: AsyncExitStack, say: Print, monitor: Monitor) -> None:
        """Start the engines. The stack closes them. Raises ConfigError."""
        self._agent = agent
        self._monitor = monitor
        monitor.watch_models(self._breakers)
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
        say(f"agent           {agent.name}, model {self._named_models()}")

    def _named_models(self) -> str:
        """What the operator reads about the models that answer."""
        own = "its own" if self._model is None else self._settings.model[0]
        return ", then ".join([own, *self._settings.model[1:]])

    def _detected(self) -> str:
        """What the operator reads about the languages that are told apart."""
        found = possible_languages(self._agent, stages_of(self._agent, self.of_call(Caller(), CallOptions())))
        alone = "; to detect others, get a model that knows them: antiphon models pull whisper --name base"
        return f"{', '.join(found)}{alone if len(found) == 1 else ''}"

    def of_call(self, caller: Caller, options: CallOptions) -> Engines:
        """The engines of one call. If the call has chosen a model, that one alone is asked.

        Raises PeerError when the call may not choose this model or language.
        """
        model, fallbacks = self._model, self._fallbacks
        if options.model:
            model, fallbacks = choose_model(self._settings, options.model), ()
        watch = self._monitor.watch_caller(caller)
        stt, tts = WatchedSpeechToText(self._stt, watch), WatchedTextToSpeech(self._tts, watch)
        vad = CallVad(self._silero)
        engines = Engines(stt, tts, vad, self._endpoint_model, model, fallbacks, self._breakers)
        check_language(options.language, stages_of(self._agent, engines))
        return engines


def _directory(
    settings: Settings,
    agent: VoiceAgent,
    engines: Callable[[Caller, CallOptions], Engines],
    keeper: Keeper,
    monitor: Monitor,
    parts: Health,
    stack: AsyncExitStack,
) -> Directory:
    """Make the directory, in which sessions begin and are found, and the journal, which writes them to the store.

    The stack closes both.
    """
    clock, admission = asyncio.get_running_loop().time, Admission(settings.admission)
    functions = Functions(settings.run.functions_s)

    def open_session(caller: Caller, options: CallOptions) -> Callable[[str], Awaitable[Session]]:
        session_of = restore(caller, options)

        def session_with(session_id: str) -> Awaitable[Session]:
            now_ms = wall_ms()
            return session_of(Conversation(session_id, agent.name, now_ms, now_ms, caller=caller.name))

        return session_with

    def restore(caller: Caller, options: CallOptions) -> Callable[[Conversation], Awaitable[Session]]:
        chosen = engines(caller, options)  # which may refuse the options
        figures = call_settings(settings, agent, options)

        async def session_of(record: Conversation) -> Session:
            about = call_info(caller, record.standing.language, options.language, agent)
            deps = await dependencies(agent, functions, record.agent_state, about)
            note = webhooks.follow(record, Around(caller.transport, about.language), journal.note)
            minutes = Minutes(record, note, wall_ms, clock)
            setup = CallSetup(agent, deps, chosen, figures, options, caller, functions)
            recorder = keeper.recorder(record.id) if caller.record is not False else None
            return Session(minutes, setup, recorder, monitor.calls.observe)

        return session_of

    webhooks = open_webhooks(settings, keeper, monitor, stack)
    limits = Limits(settings.callers, settings.max_calls)
    directory = Directory(open_session, restore, keeper.store, limits, lambda: admission.judge(monitor.load()))
    journal = Journal(webhooks, directory.lose)
    monitor.watch_calls(directory)
    monitor.watch_drops("antiphon.journal.dropped", lambda: {"records": journal.lost})
    parts.add("store", lambda: STORE_IS_DOWN if journal.down else "", needed=False)
    stack.push_async_callback(journal.close, JOURNAL_S)
    stack.push_async_callback(directory.close)
    return directory


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
