"""Scripted people and engines for whole calls on virtual time: small, true implementations of the real protocols.

A word is carried inside the frames of its sound: the frame's bytes are the word's letters. So speech-to-text here
really reads what was said from what it is fed, and hears half a word as nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage, ModelRequest, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.engines import Engines
from server.call.options import CallOptions
from server.call.session import Session
from server.call.settings import CallSettings
from server.errors import EngineError
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_SAMPLES, SILENCE, SPOKEN_RATE, Frame
from server.speech.protocols import Pcm
from tests.fakes.notebook import Notebook

WORD_MS = 300
COUGH = "*"
"""A sound that has no words."""
CHARS_PER_S = 15
TONE = (8000 * np.sin(np.arange(4800) * 2 * np.pi / 60)).astype(np.int16).tobytes()
"""200 ms of 400 Hz at 24 kHz."""


def sound(word: str, frame: int, frames: int) -> bytes:
    """Frame number `frame` of a word that lasts `frames`."""
    return f"{word}|{frame}|{frames}|".encode().ljust(HEARD_BYTES, b"\x01")


class EnergyVad:
    """Everything that is not digital silence is a voice."""

    def probability(self, pcm: bytes) -> float:
        return 0.0 if pcm == SILENCE else 1.0

    def reset(self) -> None:
        pass


@dataclass
class LetterSpeechToText:
    """Reads the words from the frames. Partials come `partial_ms` after a word, if that is not None."""

    final_ms: float = 30
    partial_ms: float | None = 0
    failures: int = 0
    """So many transcripts fail first."""
    opened: int = 0
    closed: int = 0
    languages: tuple[str, ...] = ("en", "de")
    asked: list[tuple[Sequence[str], str]] = field(default_factory=list)
    """The phrases and the language of each utterance."""

    def listen(
        self, phrases: Sequence[str], on_partial: Callable[[str], None], language: str = ""
    ) -> "LetterTranscription":
        self.opened += 1
        self.asked.append((phrases, language))
        return LetterTranscription(self, on_partial)

    async def close(self) -> None:
        pass


class LetterTranscription:
    def __init__(self, engine: LetterSpeechToText, on_partial: Callable[[str], None]) -> None:
        self._engine = engine
        self._on_partial = on_partial
        self._words: list[str] = []
        self._closed = False

    def feed(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), HEARD_BYTES):
            self._feed(pcm[start : start + HEARD_BYTES])

    def _feed(self, frame: bytes) -> None:
        if frame == SILENCE:
            return
        word, number, frames, _ = frame.decode().split("|", 3)
        if int(number) == int(frames) - 1 and word != COUGH:
            self._words.append(word)
            if self._engine.partial_ms is not None:
                text = " ".join(self._words)
                asyncio.get_running_loop().call_later(self._engine.partial_ms / 1000, self._partial, text)

    def _partial(self, text: str) -> None:
        if not self._closed:
            self._on_partial(text)

    async def transcript(self) -> str:
        text = " ".join(self._words)
        await asyncio.sleep(self._engine.final_ms / 1000)
        if self._engine.failures:
            self._engine.failures -= 1
            raise EngineError("speech-to-text", "The speech-to-text server cannot be reached.")
        return text

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._engine.closed += 1


@dataclass
class SteadyTextToSpeech:
    """Speaks `chars_per_s`, after `first_ms`; what it was asked to say is kept."""

    first_ms: float = 30
    failures: int = 0
    said: list[str] = field(default_factory=list)
    manners: list[tuple[str, str]] = field(default_factory=list)
    """The voice and the language of each text that was said."""
    chars_per_s: int = CHARS_PER_S
    languages: tuple[str, ...] = ("en", "de")

    async def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        await asyncio.sleep(self.first_ms / 1000)
        if self.failures:
            self.failures -= 1
            raise EngineError("text-to-speech", "The text-to-speech server hung up.")
        self.said.append(text)
        self.manners.append((voice, language))
        samples = SPOKEN_RATE * len(text) // self.chars_per_s
        for start in range(0, samples, 4800):
            yield Pcm(SPOKEN_RATE, TONE[: 2 * min(4800, samples - start)])

    async def close(self) -> None:
        pass


@dataclass
class Desk:
    hang_up_requested: bool = False
    booked: list[str] = field(default_factory=list)


@dataclass
class Mind:
    """A model by script: what the person says → the answer; "book X" calls the tool, "bye" hangs up.

    `first_token_ms` before the first word, `token_ms` between words; `requests` counts what it was asked.
    """

    first_token_ms: float = 50
    token_ms: float = 5
    answers: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    failures: int = 0
    seen: list[list[ModelMessage]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """The instructions of each request."""
    tool_s: float = 0.0

    def agent(self, greeting: str = "") -> VoiceAgent:
        agent = Agent(FunctionModel(stream_function=self._think), deps_type=Desk, tools=[self.book, self.hang_up])
        return VoiceAgent(agent=agent, name="Test", greeting=greeting, make_deps=Desk)

    async def book(self, what: str) -> str:
        """Book something."""
        await asyncio.sleep(self.tool_s)
        self.booked.append(what)
        return f"booked {what}"

    booked: list[str] = field(default_factory=list)

    async def hang_up(self, context: RunContext[Desk]) -> str:
        """End the call."""
        context.deps.hang_up_requested = True
        return "it was good to hear from you, goodbye"

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        self.requests += 1
        self.seen.append(list(history))
        self.told.append(info.instructions or "")
        await asyncio.sleep(self.first_token_ms / 1000)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the provider is down")
        newest = history[-1].parts[-1]
        if isinstance(newest, ToolReturnPart):
            text = f"Done: {newest.content}."
        else:
            said = last_said(history)
            if said.startswith("book "):
                yield "One moment."
                yield {0: DeltaToolCall("book", f'{{"what": "{said[5:]}"}}', tool_call_id=f"call{self.requests}")}
                return
            if said == "bye":
                yield {0: DeltaToolCall("hang_up", "{}", tool_call_id=f"call{self.requests}")}
                return
            text = self.answers.get(said, f"You said {said}.")
        for word in text.split(" "):
            yield word + " "
            await asyncio.sleep(self.token_ms / 1000)


def last_said(history: Sequence[ModelMessage]) -> str:
    """The person's last words."""
    parts = [part for message in history if isinstance(message, ModelRequest) for part in message.parts]
    return next(str(part.content) for part in reversed(parts) if isinstance(part, UserPromptPart))


@dataclass(frozen=True)
class Told:
    """A message, and when it came, in ms since the call began."""

    at_ms: float
    message: messages.ServerMessage


class Caller:
    """A person on the phone: a connection that speaks, listens and reads, 20 ms at a time."""

    def __init__(
        self,
        mind: Mind,
        stt: LetterSpeechToText | None = None,
        tts: SteadyTextToSpeech | None = None,
        greeting: str = "",
        settings: CallSettings | None = None,
        options: CallOptions = CallOptions(),  # noqa: B008  # frozen
    ) -> None:
        self.mind = mind
        self.stt = stt or LetterSpeechToText()
        self.tts = tts or SteadyTextToSpeech()
        engines = Engines(self.stt, self.tts, EnergyVad())
        self.notebook = Notebook()
        self.session = Session(
            self.notebook.minutes("call"), mind.agent(greeting), engines, settings or CallSettings(), options
        )
        self.told: list[Told] = []
        self.heard: list[bytes | None] = []
        self.hung_up = False
        self.hurried_ms: list[float] = []
        """When an answer could have begun before its tick."""
        self.online = True
        """Whether what goes either way arrives."""
        self.attached = True
        self.sending = True
        """Whether the client sends its microphone at all."""
        self._to_say: list[bytes] = []
        self._frames = 0
        self._start_s = asyncio.get_running_loop().time()

    # The session's connection

    audio = None
    unheard_ms: float = 0.0

    def hurry(self) -> None:
        """A line that keeps to its ticks, and notes when it need not have."""
        self.hurried_ms.append(self.now_ms)

    def close(self) -> None:
        self.hung_up = True

    def send(self, message: messages.ServerMessage) -> None:
        if self.online:
            self.told.append(Told(self.now_ms, message))

    # A person's doings

    @property
    def now_ms(self) -> float:
        return round((asyncio.get_running_loop().time() - self._start_s) * 1000, 3)

    async def __aenter__(self) -> "Caller":
        self.session.attach(self)
        self._running = asyncio.create_task(self.session.run(), name="the call")
        self._ticking = asyncio.create_task(self._tick(), name="the line")
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.session.end()
        await self._running
        self._ticking.cancel()
        with suppress(asyncio.CancelledError):
            await self._ticking

    async def say(self, text: str, word_ms: int = WORD_MS) -> None:
        """Speak, one word after the other; returns when the last one is over."""
        frames = word_ms // FRAME_MS
        for word in text.split():
            self._to_say += [sound(word, number, frames) for number in range(frames)]
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
        """On a new connection."""
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
            pcm = self._to_say.pop(0) if self._to_say else SILENCE
            if self.sending and self.online:
                self.session.hear(Frame(pcm, self._frames * HEARD_SAMPLES))
            played = self.session.next_frame() if self.attached else None
            self.heard.append(played if self.online else None)
            self._frames += 1
            await asyncio.sleep(FRAME_MS / 1000)

    # What the person knows afterwards

    def of(self, kind: type[messages.ServerMessage]) -> list[messages.ServerMessage]:
        return [told.message for told in self.told if isinstance(told.message, kind)]

    @property
    def states(self) -> list[str]:
        return [told.message.state for told in self.told if isinstance(told.message, messages.State)]

    @property
    def captions(self) -> list[str]:
        """The final words of each utterance that was answered."""
        return [m.text for m in self.of(messages.Transcription) if m.final and m.text]

    @property
    def answers(self) -> list[messages.Response]:
        """The answers, each as it was in the end."""
        return [m for m in self.of(messages.Response) if m.final]

    def first_sound_ms(self, after_ms: float) -> float | None:
        """When the agent is first heard after `after_ms`."""
        first = int(after_ms // FRAME_MS)
        return next((i * FRAME_MS for i, pcm in enumerate(self.heard) if i >= first and pcm), None)
