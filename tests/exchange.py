"""A server in this process, with real media and signaling and with scripted engines. All on 127.0.0.1."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from aiohttp.test_utils import TestServer

from server.agent.dependencies import dependencies
from server.agent.functions import Functions
from server.agent.voice_agent import VoiceAgent
from server.call.caller import Caller
from server.call.desk.directory import Directory
from server.call.desk.limits import CallerLimits, Limits
from server.call.line.leg import Leg
from server.call.line.listening_peers import ListeningPeers
from server.call.line.realtime_calls import RealtimeCalls
from server.call.line.rtc_calls import RtcCalls
from server.call.line.sip_calls import SipCalls
from server.call.line.telephone_calls import TelephoneCalls
from server.call.line.ws_calls import WsCalls
from server.call.options import CallOptions
from server.call.session import Session
from server.call.settings import CallSettings
from server.call.setup import CallSetup, Engines
from server.choices import call_info
from server.media.pacer import Pacer
from server.record.conversation import Conversation
from server.record.minutes import Minutes
from server.speech.protocols import TextToSpeech
from server.speech.vad import CallVad, Silero
from server.web import application
from signaling import offer, websocket, whep, whip
from signaling.access import Access
from signaling.addresses import Proxies
from signaling.admin import Admin
from signaling.ice import IceServer
from signaling.live import endpoint as live
from signaling.openai.door import Door
from signaling.origins import Origins
from signaling.realtime import client_secrets, endpoint
from signaling.rtvi.start import RtviRoutes, timestamp
from signaling.rtvi.translator import recognize
from signaling.sip import socket as sip_socket
from signaling.sip.digest import Accounts
from signaling.sip.gate import Gate
from signaling.sip.user_agent import UserAgent
from signaling.telephony.admission import TelephoneAccess
from signaling.telephony.sockets import TelephoneSockets
from signaling.telephony.twilio_account import TwilioAccount
from signaling.telephony.twilio_voice import TwilioVoice
from signaling.tokens import Expected
from tests.fakes.engines import SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.loopback import SETTINGS
from tests.tokens import SECRET


class OneSentence:
    """Speech-to-text that always understands the same sentence."""

    def __init__(self) -> None:
        self.sentence = "what time is it"
        self.fed_bytes = 0

    languages = ("en",)

    language = ""

    def listen(
        self, phrases: object, on_partial: object, language: str = "", others: object = (), asker: object = None
    ) -> "OneSentence":
        self.fed_bytes = 0
        return self

    def feed(self, pcm: bytes) -> None:
        self.fed_bytes += len(pcm)

    async def transcript(self) -> str:
        return self.sentence

    async def close(self) -> None:
        pass


def ice_servers(user: str) -> list[IceServer]:
    return [IceServer(("turn:turn.example.org",), user, "x")]


class Exchange:
    """The server. With `resume_s` 0 a call ends with its connection."""

    def __init__(
        self,
        agent: VoiceAgent,
        limit: int = 4,
        resume_s: float = 0.0,
        hold_s: float = 60.0,
        chars_per_s: int = 15,
        access: Access | None = None,
        trusted: Sequence[str] = (),
        secret: str = "",
        twilio: tuple[str, TwilioAccount | None] = ("", None),
        worker: str = "",
        **peers: Any,
    ) -> None:
        """`trusted` are proxies that may say from where a request comes. `secret` is that of telephone lines, `twilio`
        the auth token of an account and the account, `worker` the name in a cluster. `peers` changes the settings of
        the WebRTC peers."""
        self.stt = OneSentence()
        self.tts: TextToSpeech | None = None
        """What speaks in all sessions that begin, if it is not the text-to-speech of each."""
        silero = Silero()

        self.notebook = Notebook()
        self.mouths: WeakValueDictionary[str, SteadyTextToSpeech] = WeakValueDictionary()
        """The text-to-speech of each conversation that lives, by its id."""

        functions = Functions(5.0)

        def open_session(caller: Caller, options: CallOptions) -> Callable[[str], Awaitable[Session]]:
            return lambda session_id: start(self.notebook.minutes(session_id, caller=caller.name), caller, options)

        def restore(caller: Caller, options: CallOptions) -> Callable[[Conversation], Awaitable[Session]]:
            return lambda record: start(self.notebook.minutes(record=record), caller, options)

        self.options: list[CallOptions] = []
        """What was chosen for each session, in the order in which they began."""

        async def start(minutes: Minutes, caller: Caller, options: CallOptions) -> Session:
            self.options.append(options)
            mouth = self.mouths[minutes.record.id] = SteadyTextToSpeech(chars_per_s=chars_per_s)
            engines = Engines(self.stt, self.tts or mouth, CallVad(silero))
            info = call_info(caller, minutes.record.standing.language, options.language, agent)
            deps = await dependencies(agent, functions, minutes.record.agent_state, info)
            setup = CallSetup(
                agent, deps, engines, CallSettings(resume_s=resume_s, hold_s=hold_s), options, caller, functions
            )
            return Session(minutes, setup)

        self.directory = Directory(open_session, restore, self.notebook, Limits(CallerLimits(), limit))
        pacer, settings = Pacer(), replace(SETTINGS, **peers)
        make_leg = partial(Leg, recognize=partial(recognize, timestamp))
        self.calls = RtcCalls(self.directory, pacer, 15.0, settings, make_leg)
        app = application(Origins(local=not trusted))
        access = access or Access(proxies=Proxies(trusted))
        offer.add_routes(app, self.calls, access.admit)
        whip.add_routes(app, self.calls, access.admit, ice_servers)
        self.admin = Admin("the operator's own token")
        self.listening = ListeningPeers(self.directory, pacer, settings)
        whep.add_routes(app, self.listening, self.admin, access.known, ice_servers)
        sockets = WsCalls(self.directory, pacer, settings.vanished_s)
        websocket.add_routes(app, sockets, access.admit)
        RtviRoutes(sockets, access.admit, Proxies(trusted), ice_servers, self.directory.holds).add_to(app)
        gate, self.sip = Gate(Accounts(), access), SipCalls(self.calls)
        self.phones = UserAgent(gate, self.sip.answer, self.sip.offer)
        sip_socket.add_routes(app, self.phones, gate, access)
        self.lines = TelephoneCalls(self.directory, pacer, settings.vanished_s)
        TelephoneSockets(self.lines, TelephoneAccess(access, secret), *twilio).add_routes(app)
        TwilioVoice(twilio[0], Proxies(trusted), self.lines.waits, worker).add_routes(app)
        realtime = RealtimeCalls(self.directory, sockets, self.calls)
        door = Door(access.admit, self.admin, lambda name: name, self.directory.ids.new)
        endpoint.add_routes(app, realtime, door, 7200)
        live.add_routes(app, realtime, door, 3600)
        client_secrets.add_routes(app, self.admin, SECRET, Expected(frozenset({"reception"})), access.needs_token)
        self.server = TestServer(app, host="127.0.0.1")

    @property
    def home(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    @property
    def url(self) -> str:
        return f"{self.home}/api/offer"


@contextlib.asynccontextmanager
async def exchange(agent: VoiceAgent | None = None, **changes: Any) -> AsyncIterator[Exchange]:
    running = Exchange(agent or Mind().agent(), **changes)
    async with running.server:
        yield running
        await running.directory.close()
        running.phones.close()
        running.sip.close()
        await running.listening.close()
        await running.calls.close()
