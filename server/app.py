"""The composition root: builds the server as the settings choose, starts it, and drains and stops it at the end."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web

from server.agent import client_agent
from server.agent.agents import Agents
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import VoiceAgent
from server.call.caller import Caller
from server.call.desk.admission import Admission
from server.call.desk.directory import Directory
from server.call.desk.ids import Ids
from server.call.desk.limits import Limits
from server.call.line.leg import Leg
from server.call.line.listening_peers import ListeningPeers
from server.call.line.realtime_calls import RealtimeCalls
from server.call.line.rtc_calls import RtcCalls
from server.call.line.sip_calls import SipCalls
from server.call.line.telephone_calls import TelephoneCalls
from server.call.line.ws_calls import WsCalls
from server.call.options import CallOptions
from server.call.setup import Engines
from server.callers import expected, key_set, sip_accounts
from server.choices import (
    Keeper,
    choose_agents,
    choose_model,
    keeping,
    open_archive,
)
from server.chosen import Chosen
from server.config import Settings
from server.engines import Print
from server.logs import Lines
from server.media.pacer import Pacer
from server.media.reach import PeerSettings
from server.membership import join
from server.network import client_servers, peer_settings
from server.openings import Openings
from server.outgoing import open_webhooks
from server.record.conversation import Conversation
from server.record.journal import Journal
from server.telemetry.exporter import Exporter
from server.telemetry.monitor import Monitor
from server.telephony import open_telephony
from server.watching import Watching, watch
from server.web import Sites, add_agents_pages
from server.webhooks.webhooks import Around
from signaling import agent as who_answers
from signaling import calls as live_calls
from signaling import (
    console,
    conversations,
    figures,
    ice_servers,
    metrics,
    offer,
    ringing,
    token_api,
    websocket,
    whep,
    whip,
)
from signaling.access import Access
from signaling.admin import Admin
from signaling.health import Health
from signaling.live import endpoint as live
from signaling.openai.door import Door
from signaling.realtime import client_secrets
from signaling.realtime import endpoint as realtime
from signaling.rtvi.start import RtviRoutes, timestamp
from signaling.rtvi.translator import recognize
from signaling.sip import socket as sip_socket
from signaling.sip.gate import Gate
from signaling.sip.user_agent import UserAgent

JOURNAL_S = 5.0
"""How long a server that stops waits for its last records to be written. Records that a store still refuses then are
lost."""
STORE_IS_DOWN = "The store of conversations is not available; what is said waits in memory."
FULL_COLLECTIONS_AFTER = 3
"""After how many collections of the middle generation the garbage collector looks at all objects. Python waits for
10. See `settle_memory`."""

log = logging.getLogger(__name__)


async def serve(settings: Settings, say: Print = print, log_lines: Lines | None = None) -> None:
    """Serve until SIGINT or SIGTERM. `say` shows lines to the operator, and `log_lines` writes the log.

    Raises ConfigError if it cannot start.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        parts, pacer = Health(), Pacer()
        watching = watch(settings, pacer, parts, log_lines, stack)
        monitor = watching.monitor
        agents, engines, peers = choose_agents(settings), Chosen(settings), peer_settings(settings)
        keys, sites = await key_set(settings, stack), Sites(settings)
        if keys is not None:
            parts.add("callers' keys", lambda: keys.trouble, needed=False)
        await sites.start(parts, stack)
        keeper = await open_archive(settings, stack)
        membership = await join(settings, keeper, sites, parts, stack)
        await engines.load(agents, stack, say, monitor)
        stack.push_async_callback(keeper.archive.close)
        keeper.archive.start(settings.keep_days)
        if (recordings := keeper.recordings) is not None:
            monitor.watch_drops("antiphon.recording.dropped", lambda: {"pieces": recordings.dropped})
        say(f"conversations   {keeping(settings)}")
        say(f"callers         {'everybody' if keys is None else 'with a token'}")
        agents = await agents.started(partial(_with_toolsets, settings, stack))
        directory, journal = _directory(settings, agents, engines.of_call, keeper, watching, parts, stack)
        calls = _by_webrtc(directory, pacer, peers, monitor, stack)
        access = Access(keys, expected(settings, agents.names), sites.proxies)
        sockets = WsCalls(directory, pacer, settings.vanished_s)
        monitor.media.watch("websocket", sockets.traffic)
        _for_callers(sites.public, settings, agents, access, directory, calls, sockets)
        rtvi = RtviRoutes(sockets, access.admit, sites.proxies, client_servers(settings), directory.holds)
        rtvi.add_to(sites.public)
        _for_openai_clients(
            sites, settings, agents, access, RealtimeCalls(directory, sockets, calls), directory.ids.new
        )
        phones = _for_phones(sites.public, settings, access, calls, stack)
        lines = TelephoneCalls(directory, pacer, settings.vanished_s)
        monitor.media.watch("telephone", lines.traffic)
        await open_telephony(sites.public, settings, lines, access, sites.proxies, stack, say)
        listening = ListeningPeers(directory, pacer, peers)
        stack.push_async_callback(listening.close)
        _for_operators(
            sites.operations, settings, agents, watching.exporter, keeper, directory, phones, listening, access
        )
        if membership is not None:
            membership.guard(directory, phones, stop.set)
        settle_memory()
        await sites.open(parts, stack)
        if membership is not None:
            await membership.open(directory, stack)
        for line in sites.where():
            say(line)
        await stop.wait()
        say(f"Stopping: calls may go on for {settings.drain_s:g} s.")
        if membership is not None:
            await membership.drain(directory, settings.drain_s, journal.has_written)
        else:
            await directory.drain(settings.drain_s, put_away=keeper.outlives)


def _by_webrtc(
    directory: Directory, pacer: Pacer, peers: PeerSettings, monitor: Monitor, stack: AsyncExitStack
) -> RtcCalls:
    """What answers calls by WebRTC, with the pacer watched that sends their sound. The stack closes it."""
    calls = RtcCalls(directory, pacer, peers.connect_s, peers, partial(Leg, recognize=partial(recognize, timestamp)))
    stack.push_async_callback(calls.close)
    monitor.watch_drops("antiphon.media.dropped", calls.drops)
    monitor.media.watch("webrtc", calls.traffic)
    pacer.join(monitor.tick)
    stack.callback(pacer.leave, monitor.tick)
    return calls


async def _with_toolsets(settings: Settings, stack: AsyncExitStack, agent: VoiceAgent) -> VoiceAgent:
    """The agent, with its toolsets entered. The stack leaves them. Raises ConfigError."""
    toolsets = Toolsets(agent, settings.run)
    stack.push_async_callback(toolsets.close)
    return await toolsets.start()


def _for_callers(
    app: web.Application, settings: Settings, agents: Agents, access: Access, directory: Directory, calls: RtcCalls,
    sockets: WsCalls,
) -> None:  # fmt: skip
    """Add the routes for callers."""
    offer.add_routes(app, calls, access.admit)
    whip.add_routes(app, calls, access.admit, client_servers(settings))
    websocket.add_routes(app, sockets, access.admit)
    add_agents_pages(app, agents.about)
    who_answers.add_routes(app, agents.about, access.needs_token, settings.access_token_url)
    ice_servers.add_routes(app, client_servers(settings), settings.turn_ttl_s, access.admit, directory.holds)


def _for_openai_clients(
    sites: Sites, settings: Settings, agents: Agents, access: Access, calls: RealtimeCalls, new_id: Callable[[], str]
) -> None:  # fmt: skip
    """Add the routes for clients of OpenAI's protocols."""
    admin = Admin(settings.admin_token.get_secret_value())
    secret, whom = settings.access_secret.get_secret_value(), expected(settings, agents.names)
    usual = client_agent.NAME if choose_model(settings) else ""  # without a model it cannot answer
    door = Door(access.admit, admin, agents.find, new_id, usual)
    longest_s = settings.longest_call_min * 60
    realtime.add_routes(sites.public, calls, door, longest_s)
    live.add_routes(sites.public, calls, door, longest_s)
    client_secrets.add_routes(sites.public, admin, secret, whom, access.needs_token)


def _for_phones(
    app: web.Application, settings: Settings, access: Access, calls: RtcCalls, stack: AsyncExitStack
) -> UserAgent:
    """Add the routes for SIP phones. The stack closes what serves them. Raises ConfigError."""
    gate, phones = Gate(sip_accounts(settings), access), SipCalls(calls)
    user_agent = UserAgent(gate, phones.answer, phones.offer)
    stack.callback(phones.close)
    stack.callback(user_agent.close)
    sip_socket.add_routes(app, user_agent, gate, access)
    return user_agent


def _for_operators(
    app: web.Application, settings: Settings, agents: Agents, exporter: Exporter, keeper: Keeper, directory: Directory,
    phones: UserAgent, listening: ListeningPeers, access: Access,
) -> None:  # fmt: skip
    """Add the routes for operators, except those of health, which `Sites` adds."""
    if settings.metrics:
        metrics.add_routes(app, exporter.page)
    admin = Admin(settings.admin_token.get_secret_value())
    conversations.add_routes(app, keeper.archive, admin)
    figures.add_routes(app, keeper.archive, admin)
    console.add_routes(app, admin, settings.trace_url)
    live_calls.add_routes(app, directory, admin)
    ringing.add_routes(app, phones.ring, agents.find, admin)
    whep.add_routes(app, listening, admin, access.known, client_servers(settings))
    token_api.add_routes(app, admin, settings.access_secret.get_secret_value(), expected(settings, agents.names))


def _directory(
    settings: Settings,
    agents: Agents,
    engines: Callable[[Caller, CallOptions], Engines],
    keeper: Keeper,
    watching: Watching,
    parts: Health,
    stack: AsyncExitStack,
) -> tuple[Directory, Journal]:
    """Make the directory, in which sessions begin and are found, and the journal, which writes them to the store.

    The stack closes both.
    """
    admission, monitor = Admission(settings.admission), watching.monitor

    webhooks = open_webhooks(settings, keeper, monitor, stack)

    def follow(record: Conversation, around: Around) -> Callable[[Conversation], None]:
        return webhooks.follow(record, around, journal.note)

    openings = Openings(settings, agents, engines, keeper, follow, watching.onlookers)
    limits = Limits(settings.callers, settings.max_calls)
    directory = Directory(
        openings.open,
        openings.restore,
        keeper.store,
        limits,
        lambda: admission.judge(monitor.load()),
        Ids(settings.worker),
    )
    journal = Journal(webhooks, directory.lose)
    monitor.watch_calls(directory)
    monitor.watch_drops("antiphon.journal.dropped", lambda: {"records": journal.lost})
    parts.add("store", lambda: STORE_IS_DOWN if journal.down else "", needed=False)
    stack.push_async_callback(journal.close, JOURNAL_S)
    stack.push_async_callback(directory.close)
    return directory, journal


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
