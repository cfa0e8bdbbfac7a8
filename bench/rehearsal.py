"""A whole call on virtual time: the server's Session, VAD, decisions and playout are real, only the clock jumps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from bench.engines import MeasuredSpeechToText, MeasuredTextToSpeech
from server.agent.demo.front_desk import front_desk
from server.agent.voice_agent import VoiceAgent
from server.call.messages import ServerMessage
from server.call.session import Session
from server.call.settings import CallSettings
from server.call.setup import CallSetup, Engines
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_SAMPLES, Frame
from server.speech.vad import CallVad, Silero
from tests.fakes.notebook import Notebook

ROOM_RMS = 8.0
"""The noise of a quiet room, of 32767."""


@dataclass(frozen=True, slots=True)
class Told:
    """A message to the client, and when it came, in ms since the call began."""

    at_ms: float
    message: ServerMessage


class Stage:
    """What calls share: the models, and the shop's front desk, whose callers they are."""

    def __init__(self) -> None:
        self.agent = front_desk()
        self._silero = Silero()
        self._stt = MeasuredSpeechToText(self.agent.phrases, self.agent.number_phrases)
        self._tts = MeasuredTextToSpeech()

    def engines(self) -> Engines:
        return Engines(self._stt, self._tts, CallVad(self._silero))


class Rehearsal:
    """One call. `heard` has one entry a frame: 20 ms of 24 kHz PCM, or None in silence."""

    def __init__(self, stage: Stage, settings: CallSettings, greeting: str = "", agent_said: str = "") -> None:
        """With a `greeting` the call begins; with `agent_said` it goes on after that."""
        who = VoiceAgent(
            agent=Agent(FunctionModel(stream_function=_okay)),
            name="Bench",
            greeting=greeting,
            phrases=stage.agent.phrases,
            number_phrases=stage.agent.number_phrases,
            digits=stage.agent.digits,
        )
        self.session = Session(Notebook().minutes("bench"), CallSetup(who, None, stage.engines(), settings))
        if agent_said:
            self.session.dialogue.history.add([ModelResponse([TextPart(agent_said)])])
        self.told: list[Told] = []
        self.heard: list[bytes | None] = []

    @property
    def now_ms(self) -> int:
        return len(self.heard) * FRAME_MS

    audio = None
    unheard_ms = 0.0

    def close(self) -> None:
        pass

    def hurry(self) -> None:
        """Here all frames are due at their time."""

    def send(self, message: ServerMessage) -> None:
        self.told.append(Told(self.now_ms, message))

    async def play(
        self, sound: Callable[[int], bytes], frames: int, on_frame: Callable[[], None] | None = None
    ) -> None:
        """Let the caller's `sound(frame)` be heard, frame by frame; `on_frame` may look at the session after each."""
        self.session.attach(self)
        call = asyncio.create_task(self.session.run(), name="the call")
        await asyncio.sleep(0)
        for number in range(frames):
            self.session.hear(Frame(sound(number), number * HEARD_SAMPLES))
            if on_frame is not None:
                on_frame()
            self.heard.append(self.session.next_frame())
            await asyncio.sleep(FRAME_MS / 1000)
        self.session.end()
        await call


def in_a_room(pcm: bytes) -> list[bytes]:
    """16 kHz PCM as frames, with the noise of a room, always the same."""
    samples = np.frombuffer(pcm + bytes(-len(pcm) % HEARD_BYTES), "<i2")
    noise = np.random.default_rng(0).normal(0, ROOM_RMS, len(samples))
    noisy = np.clip(samples + noise, -32_768, 32_767).astype("<i2").tobytes()
    return [noisy[start : start + HEARD_BYTES] for start in range(0, len(noisy), HEARD_BYTES)]


async def _okay(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    yield "Okay, let me see."
