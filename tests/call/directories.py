"""Directories of real sessions with scripted engines, and the connections that reach these sessions."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from server.agent.call_info import NOTHING_KNOWN, Transport
from server.agent.dependencies import dependencies
from server.agent.functions import Functions
from server.call.caller import Caller
from server.call.desk.admission import Refusal
from server.call.desk.directory import Directory
from server.call.desk.limits import CallerLimits, Limits
from server.call.messages import Hello, Response, ServerMessage
from server.call.options import CallOptions
from server.call.session import Session
from server.call.settings import CallSettings
from server.call.setup import CallSetup, Engines
from server.call.trace import UNTRACED, CallTrace
from server.media.frame import Frame
from server.record.conversation import Conversation
from server.record.minutes import Minutes
from tests.fakes.engines import EnergyVad, LetterSpeechToText, SteadyTextToSpeech, sound
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook

STORY = "Once upon a time there was a shop. It sold books of every kind, and people came from far. So it goes on."


class Line:
    """A connection that keeps the messages that it is sent."""

    audio = line = None
    transport: Transport = "webrtc"
    comes_back = True
    unheard_ms = 0.0

    def __init__(self) -> None:
        self.told: list[ServerMessage] = []
        self.closed = False

    def send(self, message: ServerMessage) -> None:
        self.told.append(message)

    def hurry(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    @property
    def token(self) -> str:
        return next(message.resume for message in self.told if isinstance(message, Hello))


@dataclass
class Stubborn(Mind):
    """A mind whose tool goes on for `holds_s` after it was cancelled."""

    holds_s: float = 5.0

    async def book(self, what: str) -> str:
        """Book something."""
        try:
            return await super().book(what)
        finally:
            await asyncio.sleep(self.holds_s)


def directory(
    limit: int = 2,
    resume_s: float = 60,
    notebook: Notebook | None = None,
    overload: Callable[[], Refusal | None] = lambda: None,
    mind: Mind | None = None,
    first_sound_ms: float = 30,
    callers: CallerLimits | None = None,
    options: Callable[[CallOptions], None] = lambda options: None,
    trace: CallTrace = UNTRACED,
) -> Directory:
    """`options` raises PeerError for options that no call may have.

    `first_sound_ms`: how long text-to-speech takes until the first sound of each clause.
    """
    book = notebook or Notebook()

    judge, functions = options, Functions(5.0)

    def open_session(caller: Caller, options: CallOptions) -> Callable[[str], Awaitable[Session]]:
        judge(options)
        return lambda session_id: start(book.minutes(session_id, caller=caller.name), caller, options)

    def restore(caller: Caller, options: CallOptions) -> Callable[[Conversation], Awaitable[Session]]:
        judge(options)
        return lambda record: start(book.minutes(record=record), caller, options)

    async def start(minutes: Minutes, caller: Caller, options: CallOptions) -> Session:
        engines = Engines(LetterSpeechToText(), SteadyTextToSpeech(first_sound_ms), EnergyVad())
        agent = (mind or Mind()).agent()
        deps = await dependencies(agent, functions, minutes.record.agent_state, NOTHING_KNOWN)
        setup = CallSetup(agent, deps, engines, CallSettings(resume_s=resume_s), options, caller, functions)
        return Session(minutes, replace(setup, trace=trace))

    return Directory(open_session, restore, book, Limits(callers or CallerLimits(), limit), overload)


async def connected(calls: Directory, caller: Caller | None = None) -> tuple[Session, Line]:
    """A new session that runs, and its connection."""
    session, line = await calls.open(caller or Caller(), CallOptions()), Line()
    calls.attach(session, line, "")
    await asyncio.sleep(0.1)
    return session, line


async def listen(session: Session, frames: int) -> None:
    for _ in range(frames):
        await asyncio.sleep(0.02)
        session.next_frame()


def answers(line: Line) -> list[str]:
    return [message.text for message in line.told if isinstance(message, Response) and message.final]


async def speak(session: Session, text: str) -> None:
    for word in text.split():
        for number in range(15):
            session.hear(Frame(sound(word, number, 15), 0))
            await listen(session, 1)
