"""A scripted caller, on virtual time."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from server.agent.call_info import Transport
from server.agent.passing_on import HandOver
from server.agent.voice_agent import VoiceAgent
from server.call import caller as identity
from server.call import messages
from server.call.control_token import ControlTokens
from server.call.mouth.waiting import WaitingSettings
from server.call.options import CallOptions
from server.call.session import Session
from server.call.settings import CallSettings
from server.call.setup import CallSetup, Engines
from server.call.turns.patience import endpoint_of, overlap_of
from server.media.frame import FRAME_MS, HEARD_SAMPLES, SILENCE, Frame
from server.record.conversation import Conversation
from tests.fakes.engines import WORD_MS, EnergyVad, LetterSpeechToText, SteadyTextToSpeech, sound
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook

CALM = CallSettings(waiting=WaitingSettings(first_s=0))
"""The agent waits in silence, so that what a model takes to answer changes nothing of what is heard."""


def settings_for(settings: CallSettings, options: CallOptions) -> CallSettings:
    """`settings` with the patience that is chosen."""
    patience = options.patience or "normal"
    return replace(
        settings,
        endpoint=endpoint_of(patience, settings.endpoint),
        overlap=overlap_of(patience, settings.overlap),
    )


@dataclass(frozen=True)
class Told:
    """A message to the client, and when it came, in ms since the call began."""

    at_ms: float
    message: messages.ServerMessage


class Caller:
    """A caller with their client: a connection that speaks, listens and reads messages, 20 ms at a time."""

    def __init__(
        self,
        mind: Mind,
        stt: LetterSpeechToText | None = None,
        tts: SteadyTextToSpeech | None = None,
        greeting: str = "",
        settings: CallSettings | None = None,
        options: CallOptions = CallOptions(),  # noqa: B008  # frozen
        max_s: float | None = None,
        record: Conversation | None = None,
        others: Mapping[str, VoiceAgent] = MappingProxyType({}),
        admin_token: str = "",
    ) -> None:
        """`max_s` is how long the caller's token lets a call last. `record` is of a conversation that goes on. `others`
        are the agents to whom the call may be handed over."""
        self.mind = mind
        self.stt = stt or LetterSpeechToText()
        self.tts = tts or SteadyTextToSpeech()
        engines = Engines(self.stt, self.tts, EnergyVad())
        self.notebook = Notebook()
        agent, settings = mind.agent(greeting), settings or CALM
        who = identity.Caller(max_s=max_s)
        setup = CallSetup(
            agent, agent.make_deps(), engines, settings, options, who, name="first",
            settings_for=partial(settings_for, settings), control_tokens=ControlTokens(admin_token),
        )  # fmt: skip

        async def colleague(wish: HandOver, language: str) -> CallSetup:
            other = others[wish.agent]
            return replace(setup, agent=other, deps=other.make_deps(), name=wish.agent)

        setup = replace(setup, colleague=colleague)
        self.session = Session(self.notebook.minutes("call", record), setup)
        self.told: list[Told] = []
        self.heard: list[bytes | None] = []
        self.hung_up = False
        self.hurried_ms: list[float] = []
        """When the session called `hurry`: an answer could have begun before the next tick."""
        self.online = True
        """Whether sound and messages arrive, in both directions."""
        self.attached = True
        self.sending = True
        """Whether the client sends its microphone at all."""
        self.radio: Iterator[bytes] = iter(())
        """What else is heard in the room while the caller is silent."""
        self._to_say: list[bytes] = []
        self._frames = 0
        self._start_s = asyncio.get_running_loop().time()

    # What the session needs from a connection

    audio = line = None
    transport: Transport = "webrtc"
    comes_back = True
    unheard_ms: float = 0.0

    def hurry(self) -> None:
        """Only note the time: this connection always keeps to its ticks."""
        self.hurried_ms.append(self.now_ms)

    def close(self) -> None:
        self.hung_up = True

    def send(self, message: messages.ServerMessage) -> None:
        if self.online:
            self.told.append(Told(self.now_ms, message))

    # What the caller does

    @property
    def now_ms(self) -> float:
        return round((asyncio.get_running_loop().time() - self._start_s) * 1000, 3)

    async def __aenter__(self) -> "Caller":
        self.session.attach(self)
        self._running = asyncio.create_task(self.session.run(), name="the call")
        self._hooks = asyncio.create_task(self.session.hooks.run(), name="the hooks")
        self._ticking = asyncio.create_task(self._tick(), name="the line")
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.session.end()
        await self._running
        await self._hooks
        self._ticking.cancel()
        with suppress(asyncio.CancelledError):
            await self._ticking

    async def say(self, text: str, word_ms: int = WORD_MS, softer_db: float = 0) -> None:
        """Speak one word after the other, as softly as `sound` says. Returns when the last word is over."""
        frames = word_ms // FRAME_MS
        for word in text.split():
            self._to_say += [sound(word, number, frames, softer_db) for number in range(frames)]
        while self._to_say:  # noqa: ASYNC110  # time is virtual
            await asyncio.sleep(FRAME_MS / 1000)

    async def drop(self, noticed_ms: int) -> None:
        """The connection dies; the server notices after `noticed_ms`."""
        self.online = False
        await self.wait(noticed_ms)
        self.unheard_ms = noticed_ms
        self.session.detach(self)
        self.unheard_ms, self.attached = 0, False

    def come_back(self) -> None:
        """Connect again, on a new connection."""
        self.online = self.attached = True
        self.session.attach(self)

    async def wait(self, ms: float) -> None:
        await asyncio.sleep(ms / 1000)

    async def until_silent(self, ms: int = 600, limit_ms: int = 60_000) -> None:
        """Wait until the agent has spoken and then been silent for `ms`."""
        start = len(self.heard)
        for _ in range(limit_ms // FRAME_MS):
            await asyncio.sleep(FRAME_MS / 1000)
            since = self.heard[start:]
            if any(since) and not any(since[-ms // FRAME_MS :]):
                return
        raise AssertionError(f"the agent was not heard and silent within {limit_ms} ms")

    async def _tick(self) -> None:
        while True:
            around = next(self.radio, SILENCE)
            pcm = self._to_say.pop(0) if self._to_say else around
            if self.sending and self.online:
                self.session.hear(Frame(pcm, self._frames * HEARD_SAMPLES))
            played = self.session.next_frame() if self.attached else None
            self.heard.append(played if self.online else None)
            self._frames += 1
            await asyncio.sleep(FRAME_MS / 1000)

    # What the caller has got

    def of(self, kind: type[messages.ServerMessage]) -> list[messages.ServerMessage]:
        return [told.message for told in self.told if isinstance(told.message, kind)]

    @property
    def states(self) -> list[str]:
        return [told.message.state for told in self.told if isinstance(told.message, messages.State)]

    @property
    def captions(self) -> list[str]:
        """The final words of each utterance that has words."""
        return [m.text for m in self.of(messages.Transcription) if m.final and m.text]

    @property
    def answers(self) -> list[messages.Response]:
        """The answers, each in its final form."""
        return [m for m in self.of(messages.Response) if m.final]

    def first_sound_ms(self, after_ms: float) -> float | None:
        """When the agent is first heard after `after_ms`; None when it is not."""
        first = int(after_ms // FRAME_MS)
        return next((i * FRAME_MS for i, pcm in enumerate(self.heard) if i >= first and pcm), None)
