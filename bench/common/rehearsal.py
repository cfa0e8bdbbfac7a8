"""Rehearses a whole call on virtual time: only the clock is not real; the Session, VAD, decisions and playout are."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from bench.common.measured_engines import MeasuredEndpointModel, MeasuredSpeechToText, MeasuredTextToSpeech
from server.agent.call_info import Transport
from server.agent.demo.front_desk import front_desk
from server.agent.voice_agent import VoiceAgent
from server.call.messages import ServerMessage
from server.call.session import Session
from server.call.settings import CallSettings
from server.call.setup import CallSetup, Engines
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_SAMPLES, Frame
from server.speech import engines
from server.speech.engine import SpeechToTextEngine
from server.speech.engines import smart_turn
from server.speech.languages import lookup
from server.speech.local_engines import LocalEngine, speech_to_text_engines
from server.speech.models.disk import find
from server.speech.vad import CallVad, Silero
from tests.fakes.notebook import Notebook

ROOM_RMS = 8.0
"""The loudness of a quiet room's noise, where full scale is 32767."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that the session sent to the client, and when, in ms since the call began."""

    at_ms: float
    message: ServerMessage


class Stage:
    """What all rehearsed calls share: the speech models, and the demo agent, whose callers are rehearsed."""

    def __init__(self, models: Path | None = None, language: str = "en") -> None:
        """The engines are those that a server chooses by itself with these `models`, and for None the embedded ones.

        `language` is the one that is spoken (BCP 47).
        """
        self.agent = front_desk()
        self.language = language
        self._silero = Silero()
        phrases = (self.agent.phrases, self.agent.number_phrases) if language == "en" else ()
        self._stt = MeasuredSpeechToText(_speech_to_text(models, language), language, *phrases)
        self._tts = MeasuredTextToSpeech()
        smart_turn_file = models and find(models, "smart-turn")
        self._endpoint_model = (
            MeasuredEndpointModel(smart_turn.Engine(str(smart_turn_file))) if smart_turn_file else None
        )

    def engines(self) -> Engines:
        return Engines(self._stt, self._tts, CallVad(self._silero), self._endpoint_model)


def _speech_to_text(models: Path | None, language: str) -> SpeechToTextEngine:
    """The engine for the language. Raises SystemExit when none knows it."""
    for here in speech_to_text_engines("auto", models) if models else [LocalEngine("pocketsphinx")]:
        module = import_module(f"{engines.__name__}.{here.name}")
        engine: SpeechToTextEngine = module.Engine(str(here.model)) if here.model else module.Engine()
        if lookup(language, engine.languages) is not None:
            return engine
    raise SystemExit(f"no speech-to-text engine here knows the language {language}; see: antiphon models list")


class Rehearsal:
    """One call, as the session's connection sees it.

    `heard` is what the caller hears: one entry for each frame, which is 20 ms of 24 kHz PCM, or None in silence.
    """

    def __init__(
        self,
        stage: Stage,
        settings: CallSettings,
        greeting: str = "",
        agent_said: str = "",
        who: VoiceAgent | None = None,
    ) -> None:
        """The agent says `greeting` first. With `agent_said` it has said that already, before the rehearsal begins.

        `who` answers the call; for None it is an agent that knows one answer, which says its own greeting otherwise.
        """
        who = who or VoiceAgent(
            agent=Agent(FunctionModel(stream_function=_okay)),
            name="Bench",
            greeting=greeting,
            language=stage.language,
            phrases=stage.agent.phrases,
            number_phrases=stage.agent.number_phrases,
            digits=stage.agent.digits,
        )
        self.session = Session(Notebook().minutes("bench"), CallSetup(who, who.make_deps(), stage.engines(), settings))
        if agent_said:
            self.session.dialogue.history.add([ModelResponse([TextPart(agent_said)])])
        self.sent: list[SentMessage] = []
        self.heard: list[bytes | None] = []

    @property
    def now_ms(self) -> int:
        return len(self.heard) * FRAME_MS

    audio = None
    line = None
    comes_back = False
    transport: Transport = ""
    unheard_ms = 0.0

    def close(self) -> None:
        pass

    def hurry(self) -> None:
        """Do nothing: a rehearsal asks for every frame when it is due, and never earlier."""

    def send(self, message: ServerMessage) -> None:
        self.sent.append(SentMessage(self.now_ms, message))

    async def play(
        self, sound: Callable[[int], bytes], frames: int, on_frame: Callable[[], None] | None = None
    ) -> None:
        """Play the call from its begin to its end, frame by frame.

        `sound(number)` gives the caller's frame: 20 ms of 16 kHz PCM. `on_frame` may look at the session after each.
        """
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
    """16 kHz PCM as frames of 20 ms, with the noise of a quiet room added. The noise is the same every time."""
    samples = np.frombuffer(pcm + bytes(-len(pcm) % HEARD_BYTES), "<i2")
    noise = np.random.default_rng(0).normal(0, ROOM_RMS, len(samples))
    noisy = np.clip(samples + noise, -32_768, 32_767).astype("<i2").tobytes()
    return [noisy[start : start + HEARD_BYTES] for start in range(0, len(noisy), HEARD_BYTES)]


async def _okay(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    yield "Okay, let me see."
