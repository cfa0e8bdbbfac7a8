"""TextCall: a call to an agent in this process, without network, sound or speech engines.

The session and everything in it is the server's own. Only what stands around it is small: a line that carries frames of
words in place of sound, and engines that read and speak them.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from types import MappingProxyType

from pydantic_ai.models import Model, infer_model

from server.agent.agents import Agents
from server.agent.call_info import CallInfo, Transport
from server.agent.dependencies import dependencies
from server.agent.functions import Functions
from server.agent.lines import DEFAULT_LINES
from server.agent.passing_on import HandOver
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.options import CallOptions
from server.call.session import Observed, Session
from server.call.settings import CallSettings
from server.call.setup import CallSetup, Engines
from server.call.turns.patience import endpoint_of, overlap_of
from server.media.frame import FRAME_MS, HEARD_SAMPLES, SILENCE, Frame
from server.record.conversation import Conversation
from server.record.minutes import Minutes
from server.speech.protocols import TextToSpeech
from server.testing.engines import EnergyVad, ExactSpeechToText
from server.testing.watched import ToolRun, watched

QUIET_S = 0.4
"""After so much time without a word, a question or work, nothing more comes by itself."""


def languages_of(*agents: VoiceAgent) -> tuple[str, ...]:
    """Every language that a call with these agents can be held in without real engines."""
    own = (tag for agent in agents for tag in (agent.own_language, *agent.languages, *agent.lines))
    return (*own, *DEFAULT_LINES)


def check_model(agent: VoiceAgent, model: Model | str | None) -> None:
    """Raises ValueError when there is no model: `model` None is the agent's own."""
    if model is None and agent.agent.model is None and agent.agent.root_capability.get_model() is None:
        raise ValueError("the agent has no model: give it one, or name one for this call")


async def text_setup(
    agent: VoiceAgent,
    model: Model | str | None,
    info: CallInfo,
    tts: TextToSpeech,
    others: Mapping[str, VoiceAgent] = MappingProxyType({}),
    transfers: bool = False,
) -> CallSetup:
    """What a call is held with. `model` None is the agent's own. `others` are the agents to whom the call may be handed
    over, by name, and `transfers`: the line can transfer it. Raises AgentUnavailable when the agent's dependencies
    cannot be made."""
    info = replace(info, language=info.language or agent.own_language)
    language = info.language if info.language != agent.own_language else ""
    options = CallOptions(language=language, transfers=transfers)
    plain = CallSettings()
    patience = agent.patience or "normal"
    settings = replace(
        plain, endpoint=endpoint_of(patience, plain.endpoint), overlap=overlap_of(patience, plain.overlap)
    )
    chosen = infer_model(model) if isinstance(model, str) else model
    heard = ExactSpeechToText(languages_of(agent, *others.values()))
    engines = Engines(heard, tts, EnergyVad(), model=chosen)
    functions = Functions(settings.run.functions_s)
    deps = await dependencies(agent, functions, "", info)
    names = Agents({_name_in(others, agent): agent, **others})

    async def colleague(wish: HandOver, language: str) -> CallSetup:
        other = names[names.find(wish.agent)]
        told = replace(info, language="", handed_over=wish)
        return replace(await text_setup(other, model, told, tts, others, transfers), name=names.find(wish.agent))

    return CallSetup(
        agent, deps, engines, settings, options, name=names.first, colleague=colleague, functions=functions
    )


def _name_in(others: Mapping[str, VoiceAgent], agent: VoiceAgent) -> str:
    return next((name for name, each in others.items() if each is agent), "agent")


class TextCall:
    """One call, from `async with` on. It is the connection of its session, too."""

    audio = line = None
    transport: Transport = ""
    comes_back = False
    unheard_ms = 0.0

    def __init__(self, setup: CallSetup, observe: Callable[[Observed | ToolRun], object]) -> None:
        """`observe` is given the messages of both sides, the failures, and the tools: see `watched`."""
        self.setup = setup
        self._observe = observe
        self._to_say: list[bytes] = []
        self._awaited = 0
        """The number of the utterance that what was typed or keyed in last becomes, or is a part of."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "TextCall":
        """Begin the call. Raises ConfigError when a toolset cannot be entered."""
        async with AsyncExitStack() as stack:
            setup = await self._watched(self.setup, stack)
            self.session = Session(_minutes(setup.agent), setup, observe=self._observe)
            self.session.attach(self)
            running = asyncio.create_task(self.session.run(), name="the call")
            carrying = asyncio.create_task(self._carry(), name="the line")
            hooks = asyncio.create_task(self.session.hooks.run(), name="the hooks")
            stack.push_async_callback(lambda: asyncio.gather(running, carrying, hooks))
            stack.callback(self.session.end, "caller")
            await asyncio.sleep(0)  # the session begins
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Hang up, if the call is not over. Waits for tools and hooks that still run."""
        await self._stack.aclose()

    def say(self, frames: list[bytes]) -> None:
        """Speak these frames, after all others."""
        self._to_say += frames

    def type(self, text: str) -> None:
        """Send a typed message. Raises ValueError when it is empty or too long."""
        message = messages.Text(text=text).to_json()
        self._await_utterance(text)
        self.session.receive_text(message)

    def press(self, key: str) -> None:
        """Press a key of the telephone: 0-9, *, #, A-D."""
        self._await_utterance(key)
        self.session.digit(key)

    def transferred(self, ok: bool, reason: str) -> None:
        """The line tells what became of a transfer."""
        self.session.receive_text(messages.Transferred(ok=ok, reason=reason).to_json())

    @property
    def last_reply(self) -> int:
        """The number of the newest reply; 0 before the first."""
        return self.session.dialogue.standing.reply

    @property
    def quiet(self) -> bool:
        """Nobody speaks, and nothing waits for an answer."""
        dialogue = self.session.dialogue
        waiting = self._to_say or dialogue.utterances.newest < self._awaited
        if self.session.control.keys.awaited:
            return not waiting
        return not (waiting or dialogue.delivery.outcome_owed) and dialogue.quiet and not self.session.working

    @property
    def over(self) -> bool:
        """The call has ended."""
        return self.session.ended or self.session.over.is_set()

    async def tick(self) -> None:
        """Wait for 20 ms."""
        await asyncio.sleep(FRAME_MS / 1000)

    @property
    def errands(self) -> bool:
        """A tool runs in the background, or the caller has not been told what has come of one."""
        delivery = self.session.dialogue.delivery
        return delivery.awaited or delivery.untold

    async def settle(self, enough: Callable[[], bool] = lambda: False, errands: bool = False) -> None:
        """Wait until the call has been quiet for a moment, or is over, or until it is `enough`.

        With `errands` wait also for the tools in the background, and until the caller was told of their results.
        """
        quiet_ms = 0
        while quiet_ms < QUIET_S * 1000 and not self.over and not enough():
            await self.tick()
            quiet = self.quiet and not (errands and self.errands)
            quiet_ms = quiet_ms + FRAME_MS if quiet else 0

    def _await_utterance(self, keyed: str) -> None:
        """What is typed or keyed in becomes an utterance, if no tool takes it."""
        if not self.session.control.keys.takes("".join(keyed.split())):
            self._awaited = self.session.dialogue.utterances.newest + 1

    # What the session needs of a connection

    def send(self, message: messages.ServerMessage) -> None:
        """The session shows its messages to `observe` already."""

    def hurry(self) -> None:
        """This line always keeps to its ticks."""

    def close(self) -> None:
        """There is nothing to close."""

    async def _watched(self, setup: CallSetup, stack: AsyncExitStack) -> CallSetup:
        """The setup, with the toolsets of its agent entered, which the stack leaves, and its tools watched."""
        toolsets = Toolsets(setup.agent, setup.settings.run)
        stack.push_async_callback(toolsets.close)
        agent = watched(await toolsets.start(), self._observe)

        async def colleague(wish: HandOver, language: str) -> CallSetup:
            return await self._watched(await setup.colleague(wish, language), self._stack)

        return replace(setup, agent=agent, colleague=colleague)

    async def _carry(self) -> None:
        """Every 20 ms bring a frame of the caller to the session, and take one of the agent."""
        frames = 0
        while not self.over:
            pcm = self._to_say.pop(0) if self._to_say else SILENCE
            self.session.hear(Frame(pcm, frames * HEARD_SAMPLES))
            self.session.next_frame()
            frames += 1
            await self.tick()


def _minutes(agent: VoiceAgent) -> Minutes:
    """The record of a new call, which nobody keeps."""
    clock = asyncio.get_running_loop().time
    now_ms = round(clock() * 1000)
    record = Conversation("call", agent.name, now_ms, now_ms)
    return Minutes(record, lambda record: None, lambda: round(clock() * 1000), clock)
