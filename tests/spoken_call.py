"""A call in this process with an agent whose model hears and speaks itself, at a small true provider."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from server.agent.call_info import NOTHING_KNOWN
from server.agent.limits import RunLimits
from server.agent.passing_on import HandOver
from server.agent.spoken.names import make_spoken
from server.agent.spoken.settings import SpokenSettings
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.setup import CallSetup
from server.media.frame import FRAME_MS
from server.speech.protocols import SpeechToText
from server.speech.vad import CallVad, Silero
from server.testing.engines import SteadyTextToSpeech, sound
from server.testing.text_call import TextCall, languages_of, text_setup

CHARS_PER_S = 200
"""How fast text-to-speech speaks."""
TICK_S = 0.005
"""How long 20 ms of the call take, so that the tests take less time."""


class Provider(Protocol):
    """Where a provider is: the base URL of its API."""

    url: str


class QuickCall(TextCall):
    """A call that goes four times as fast as the clock, and stands still while it is not `online`."""

    online = True
    tick_s = TICK_S

    async def tick(self) -> None:
        await asyncio.sleep(self.tick_s)
        while not self.online:  # noqa: ASYNC110  # it is so for a moment
            await asyncio.sleep(self.tick_s)


class SpokenCall:
    """A caller in such a call."""

    def __init__(self, call: QuickCall, seen: list[Any]) -> None:
        self.call = call
        self.frames: list[bytes | None] = []
        """What the caller has heard, 20 ms each."""
        self._seen = seen
        self._next_frame = call.session.next_frame
        call.session.next_frame = self._take_frame  # type: ignore[method-assign]

    def _take_frame(self) -> bytes | None:
        self.frames.append(self._next_frame())
        return self.frames[-1]

    @property
    def answers(self) -> list[messages.Response]:
        """The replies that are over, the greeting first."""
        return [each for each in self._seen if isinstance(each, messages.Response) and each.final]

    @property
    def failures(self) -> list[Any]:
        return self.of(messages.Error)

    def of(self, kind: type[Any]) -> list[Any]:
        """The messages of this kind that the client has got."""
        return [each for each in self._seen if isinstance(each, kind)]

    def tell(self, message: messages.ClientMessage) -> None:
        """The client says this."""
        self.call.session.receive_text(message.to_json())

    @property
    def history(self) -> list[str]:
        """What the history of the call has, in words."""
        return [
            str(getattr(part, "content", None) or getattr(part, "tool_name", ""))
            for message in self.call.session.dialogue.history.messages
            for part in message.parts
        ]

    async def say(self, text: str) -> str:
        """Say this, and listen to the answer."""
        return await self.speak(sound(text))

    async def speak(self, frames: list[bytes]) -> str:
        """Say these frames, and listen to the answer."""
        self.call.say(frames)
        await self.call.settle()
        return self.answers[-1].text

    async def type(self, text: str) -> str:
        """Type this, and listen to the answer."""
        self.call.type(text)
        await self.call.settle()
        return self.answers[-1].text

    def drop(self, unheard_ms: float) -> None:
        """The connection is lost. The caller did not hear what was sent in the last `unheard_ms`."""
        self.call.online, self.call.unheard_ms = False, unheard_ms
        self.call.session.detach(self.call)
        self.call.unheard_ms = 0.0

    def come_back(self) -> None:
        """Connect again."""
        self.call.online = True
        self.call.session.attach(self.call)

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait for 5 s at most."""
        for _ in range(1000):
            if so():
                return
            await self.call.tick()
        raise AssertionError("it has not come to this")

    async def hear(self, words: str) -> None:
        """Listen until these words are heard."""
        await self.call.settle(lambda: words in self._captions)
        assert words in self._captions, self._captions

    @property
    def _captions(self) -> str:
        return " ".join(each.text for each in self._seen if isinstance(each, messages.Response))


@asynccontextmanager
async def spoken_call(
    provider: Provider,
    agent: VoiceAgent,
    limits: RunLimits | None = None,
    session_min: float = 25.0,
    others: Mapping[str, VoiceAgent] = MappingProxyType({}),
    ears: SpeechToText | None = None,
) -> AsyncIterator[SpokenCall]:
    """The call, after its greeting. `others` are the agents to whom it may be handed over, by name.

    With `ears` the caller is a person with a voice, whom these understand, and the call goes as fast as the clock.
    """
    seen: list[Any] = []
    voice = SteadyTextToSpeech(languages_of(agent), CHARS_PER_S)
    spoken = make_spoken("realtime:openai:gpt-realtime", provider.url)

    def spoken_by(setup: CallSetup) -> CallSetup:
        settings = replace(setup.settings, spoken=SpokenSettings(session_min=session_min))
        settings = replace(settings, run=limits or settings.run)

        async def colleague(wish: HandOver, language: str) -> CallSetup:
            return spoken_by(await setup.colleague(wish, language))

        engines = replace(setup.engines, spoken=spoken)
        if ears is not None:
            engines = replace(engines, speech_to_text=ears, voice_activity=CallVad(Silero()))
        return replace(setup, engines=engines, settings=settings, colleague=colleague)

    setup = spoken_by(await text_setup(agent, None, NOTHING_KNOWN, voice, others))
    call = QuickCall(setup, seen.append)
    call.tick_s = FRAME_MS / 1000 if ears is not None else TICK_S
    async with call:
        await call.settle()
        yield SpokenCall(call, seen)
