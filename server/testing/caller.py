"""Caller: a person who calls an agent in a test, and what the test expects of the agent."""

import asyncio
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from pydantic_ai.models import Model

from server.agent.call_info import NOTHING_KNOWN, CallInfo
from server.agent.passing_on import Transfer
from server.agent.voice_agent import VoiceAgent
from server.testing.account import Account, Answer, reason
from server.testing.engines import SteadyTextToSpeech, sound
from server.testing.persona import Persona
from server.testing.text_call import TextCall, check_model, languages_of, text_setup
from server.testing.watched import ToolRun

ANSWER_S = 120.0
"""How long an answer may take, with its tools and until it has been spoken."""
KEYS = "0123456789*#ABCD"
KEY_S = 0.2
"""How much time passes from one key to the next."""


class Caller:
    """A caller who is connected with the agent. Use it in `async with call(agent) as caller:`.

    Each method that begins with `expect_` raises AssertionError, with the whole call so far, when it is not so. It
    looks at what the agent has said and done since the caller last did something.
    """

    def __init__(
        self,
        agent: VoiceAgent,
        model: Model | str | None,
        info: CallInfo,
        others: Mapping[str, VoiceAgent],
        transfers: bool,
    ) -> None:
        for each in (agent, *others.values()):
            check_model(each, model)
        voice = SteadyTextToSpeech(languages_of(agent, *others.values()))
        self._make_setup = partial(text_setup, agent, model, info, voice, others, transfers)
        self._account = Account()
        self._expected_failures = 0

    async def __aenter__(self) -> "Caller":
        """Call the agent, and listen to its greeting.

        Raises ConfigError when a toolset cannot be entered, and what `make_deps` raises.
        """
        setup = await self._make_setup()
        self._call = TextCall(setup, self._account.take)
        await self._call.__aenter__()
        try:
            await self._listen()
        except BaseException:
            await self._call.__aexit__()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        """Hang up. Raises AssertionError when the model, a tool or a hook has failed and the test did not expect it."""
        await self._call.__aexit__()
        failures = self._account.failures[self._expected_failures :]
        if failures and kind is None:
            raise self._account.error(f"something failed: {reason(failures[0])}") from failures[0]

    # What the caller does

    async def says(self, text: str, until: str = "") -> str:
        """Say `text`, when the agent is silent, and listen to the answer. Returns what the caller has heard.

        With `until` return as soon as these words of the answer have been heard, while the agent goes on to speak.
        Raises ValueError when there is no word in the text, and AssertionError when the call is over, when there is no
        end of the answer, or when `until` is not in it.
        """
        frames = _frames(text)
        await self._begin(f"said {text!r}")
        self._call.say(frames)
        return await self._hear(until)

    async def interrupts(self, text: str, until: str = "") -> str:
        """Say `text` while the agent speaks, thinks or uses a tool, and listen to what comes then; else as `says`.

        Whether the agent stops is decided as in every call: a murmur such as "mhm" does not stop it.
        """
        frames = _frames(text)
        if self._call.quiet:
            raise self._account.error("nobody can interrupt the agent, which does not speak: use says(…, until=…)")
        self._step(f"interrupted with {text!r}")
        self._call.say(frames)
        return await self._hear(until)

    async def types(self, text: str, until: str = "") -> str:
        """Type `text` in place of saying it, and listen to the answer, as after `says`."""
        await self._begin(f"typed {text!r}")
        self._call.type(text)
        return await self._hear(until)

    async def presses(self, keys: str, until: str = "") -> str:
        """Press these keys of the telephone one by one, and listen to the answer, as after `says`.

        A number ends with `#` or with a pause, as in every call. A tool that has asked for keys gets them.
        """
        if not keys or set(keys) - set(KEYS):
            raise ValueError(f"the keys of a telephone are {KEYS}")
        await self._begin(f"pressed {keys}")
        for key in keys:
            self._call.press(key)
            await asyncio.sleep(KEY_S)
        return await self._hear(until)

    async def is_silent(self, seconds: float) -> str:
        """Say nothing for so many seconds, or until the call is over. Returns what the caller has heard meanwhile."""
        self._step(f"was silent for {seconds:g} s")
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while loop.time() < end_s and not self._call.over:
            await self._call.tick()
        self._note_end()
        return self._account.said

    async def settles(self) -> str:
        """Say nothing until all tools in the background have returned, and the agent has told what came of them.

        Returns what the caller has heard meanwhile. Raises AssertionError when that takes too long.
        """
        self._step("waited for the tools in the background")
        await self._listen(errands=True, most_s=ANSWER_S + self._call.setup.settings.run.background_s)
        return self._account.said

    async def talks(self, persona: Persona, turns: int = 12) -> None:
        """Let a model play the caller, until it hangs up or the agent does. The whole talk is one step.

        Raises AssertionError when that takes more than so many turns of the caller.
        """
        heard = self._account.said
        await self._begin("talked")
        for _ in range(turns):
            if words := await persona.answer(heard):
                self._account.go_on(f"said {words!r}")
                last_reply = self._call.last_reply
                self._call.say(_frames(words))
                await self._listen()
                heard = self._account.said_after(last_reply)
            if persona.hangs_up or self._call.over:
                return
        raise self._account.error(f"the talk has not come to an end within {turns} turns")

    # What a test expects

    def expect_said(self, text: str) -> None:
        """The caller has heard `text`. Capitals do not matter."""
        if not self._account.has_said(text):
            raise self._account.error(f"the agent has not said {text!r}")

    def expect_not_said(self, text: str) -> None:
        """The caller has not heard `text`."""
        if self._account.has_said(text):
            raise self._account.error(f"the agent has said {text!r}")

    def expect_tool(self, tool: str, /, **arguments: Any) -> None:
        """The tool has run, with these arguments and perhaps others. It may have asked the model to try again."""
        if not self._account.ran(tool, arguments):
            wanted = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
            raise self._account.error(f"{tool}({wanted}) has not run")

    def expect_no_tool(self, tool: str) -> None:
        """The tool has not run."""
        if self._account.ran(tool, {}):
            raise self._account.error(f"the tool {tool} has run")

    def expect_failure(self, text: str = "") -> None:
        """The model or a tool has failed, with `text` in what went wrong. Without this, a failure fails the test."""
        failures = self._account.failures[self._expected_failures :]
        if not any(text in reason(failure) for failure in failures):
            raise self._account.error(f"nothing has failed with {text!r}" if text else "nothing has failed")
        self._expected_failures += len(failures)

    @property
    def agent(self) -> str:
        """The name of the agent that has the call."""
        return self._call.session.switchboard.present.agent.name

    @property
    def deps(self) -> Any:
        """The dependencies of that agent."""
        return self._call.session.switchboard.present.deps

    @property
    def transfer(self) -> Transfer | None:
        """To whom the agent has had the call transferred; None if it has not."""
        return self._account.transfer

    def transferred(self, ok: bool, reason: str = "") -> None:
        """The line tells what became of the transfer: a person has the call, or why not."""
        self._call.transferred(ok, reason)

    def expect_hung_up(self) -> None:
        """The agent has ended the call."""
        if not self._call.over:
            raise self._account.error("the agent has not hung up")

    # What a test may look at

    @property
    def answers(self) -> list[Answer]:
        """All that the agent has said in this call, as far as it was heard."""
        return self._account.answers

    @property
    def tools(self) -> list[ToolRun]:
        """All tools that have run in this call."""
        return self._account.tools

    def __str__(self) -> str:
        """The whole call so far, to be printed."""
        return str(self._account)

    # Steps of the methods above

    async def _begin(self, did: str) -> None:
        """The caller does something, after the agent has come to an end."""
        await self._listen()
        self._step(did)

    def _step(self, did: str) -> None:
        if self._call.over:
            raise self._account.error("the call is over, and the caller can do no more")
        self._account.begin(did, self._call.last_reply)

    async def _hear(self, until: str) -> str:
        await self._listen(until)
        if until and not self._account.has_said(until):
            raise self._account.error(f"the agent has not said {until!r}")
        return self._account.said

    async def _listen(self, until: str = "", errands: bool = False, most_s: float = ANSWER_S) -> None:
        """Wait until the agent has said all that it says, or `until`. `errands`: as for `TextCall.settle`."""
        try:
            async with asyncio.timeout(most_s):
                await self._call.settle(lambda: bool(until) and self._account.has_said(until), errands)
        except TimeoutError as exc:
            raise self._account.error(f"the agent has not come to an end within {most_s:g} s") from exc
        self._note_end()

    def _note_end(self) -> None:
        if self._call.over:
            self._account.end()


def call(
    agent: VoiceAgent,
    model: Model | str | None = None,
    info: CallInfo = NOTHING_KNOWN,
    others: Mapping[str, VoiceAgent] = MappingProxyType({}),
    transfers: bool = False,
) -> Caller:
    """Call `agent`: `async with call(agent) as caller:`.

    `model` answers in place of the agents' own. `info` is what the agent is told about the call; with a `language` in
    it the call is held in that one. `others` are the agents to whom the call may be handed over, by name. `transfers`:
    the caller's line can transfer the call to a person. Raises ValueError when there is no model.
    """
    return Caller(agent, model, info, others, transfers)


def _frames(text: str) -> list[bytes]:
    frames = sound(text)
    if not frames:
        raise ValueError("there is no word in what the caller says")
    return frames
