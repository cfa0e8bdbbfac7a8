"""One run of the agent: it gives the text as the model makes it, runs tools only after the commit, and keeps limits.

A run may begin while the caller merely pauses. Its text has no effect until it is played. A tool has an effect at once,
so tools wait until the floor has committed the utterance, unless the agent says that they only look something up.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from typing import Any

from pydantic_ai import Agent, CallToolsNode, ModelRequestNode, RunContext
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
)
from pydantic_ai.run import AgentRun as PydanticRun
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage, UsageLimits

from server.agent.asides import Asides
from server.agent.attempts import Attempts
from server.agent.memory import used_tokens
from server.agent.notices import Notices
from server.agent.output import OnText, Output, has_functions
from server.agent.passing_on import PassingOn
from server.agent.ran import Ran
from server.agent.run_setup import RunSetup
from server.agent.tool_calls import ToolCalls, kind_of
from server.agent.tool_time import tool_time
from server.agent.written import WholeResponses, Written, text_of
from server.errors import EngineError

log = logging.getLogger(__name__)

ANSWER_IN = "The call is held in the language with the BCP 47 tag {language}: say everything in that language."


class AgentRun:
    """The agent's answer to one prompt."""

    def __init__(self, setup: RunSetup, prompt: str, recall: Callable[[], Sequence[ModelMessage]]) -> None:
        """`recall` gives the history, when the run begins. With an empty `prompt` its last words are answered."""
        self._setup = setup
        self._agent = setup.agent.agent
        self._prompt = prompt
        self._recall = recall
        self._run_of_agent: PydanticRun[Any, str] | None = None
        """None before it begins."""
        cancellable = setup.agent.lookups | setup.agent.cancellable
        limit_s, background = setup.limits.tools_s, setup.background
        self._calls = ToolCalls(limit_s, cancellable, setup.start, setup.on_late_result, background, setup.pass_on)
        self._attempts = Attempts(setup.call, setup.fallbacks, setup.breakers)
        self._output = Output()
        meter = setup.meter
        self._notices = Notices([self._language_to_answer_in, lambda: meter.notice, setup.orders])
        self._asides = Asides()
        self._at_tools = False
        """The model has called tools, and has not been told of their results."""
        self._at_model = False
        """The model is asked; else the agent's own code runs, or a tool."""
        self.tools: list[str] = []
        """Names of the tools that were called, in order."""
        self.known = 0
        """How many results of tools in the background the model has been told."""
        self.cut_off = False
        """The model was stopped before it had finished: by its limit of tokens, or by its provider's content filter.
        Perhaps also where it does not say why it ends, and always did before."""

    @property
    def tool_running(self) -> bool:
        """A tool has been called and has not returned."""
        return self._at_tools

    @property
    def hang_up(self) -> bool:
        """A tool of this run has asked to end the call when the caller has heard the answer."""
        return self._calls.hang_up

    @property
    def passes_on(self) -> PassingOn | None:
        """To whom a tool of this run has asked to pass the call on, when the caller has heard the answer."""
        return self._calls.passes_on

    @property
    def running(self) -> Sequence[str]:
        """The names of the tools that run now."""
        return self._calls.running

    @property
    def ran(self) -> Sequence[Ran]:
        """The tools that were begun, and what became of them so far."""
        return self._calls.ran

    @property
    def model(self) -> str:
        """The model that was asked last: it has answered, or is the last one that has failed. "" before."""
        return self._attempts.asked[-1] if self._attempts.asked else ""

    def add_aside(self, text: str) -> None:
        """The agent says this while the caller waits."""
        self._asides.add(text, self._whole(), begun=bool(self._output.partial))

    def give_up(self) -> None:
        """Begin no tool any more: the answer is over, and the run is about to be cancelled."""
        self._calls.give_up()

    def lose(self, failure: Exception) -> None:
        """The model was lost in the middle of its answer, and another one goes on."""
        self._attempts.fail(failure)

    async def speak(self, on_text: OnText, committed: asyncio.Event) -> None:
        """Run to the end, with each piece of text given to `on_text`.

        Raises EngineError of the stage "agent", "model" or "tool" when that stage fails or takes too long.
        """
        try:
            await self._run(on_text, committed)
        except EngineError:
            raise
        except asyncio.CancelledError as exc:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            raise self._failure("waited for something that was cancelled") from exc
        except TimeoutError as exc:
            raise self._failure("took too long to answer") from exc
        except UsageLimitExceeded as exc:
            raise EngineError("model", "The model did not come to an answer.") from exc
        except Exception as exc:
            what = f"failed: {kind_of(exc)}"
            if type(exc) is UnexpectedModelBehavior:
                what = "gave no answer that can be read" if self._at_model else "did not come to an answer"
            self._at_model = self._at_model or isinstance(exc, UnexpectedModelBehavior)
            raise self._failure(what) from exc

    def _failure(self, what: str) -> EngineError:
        """The error of the stage that failed: a tool while one runs, the model while it is asked, else the agent."""
        if tools := self._calls.at_fault:
            return EngineError("tool", f"The tool {tools} {what}.")
        if not self._at_model:
            return EngineError("agent", f"The agent {what}.")
        return EngineError("model", f"The model {what}.", ", ".join(self._attempts.asked))

    def messages(self) -> list[ModelMessage]:
        """The messages exchanged with the model so far. The unfinished answer is the last one, and each tool call has
        a result, or a sentence about what became of it."""
        messages = self._output.own(self._whole())
        if self._output.partial and not (messages and isinstance(messages[-1], ModelResponse)):
            messages.append(ModelResponse(parts=[TextPart(self._output.partial)]))
        closed = self._calls.closed(self._output.without_rejected(self._asides.inserted(messages)))
        return list(map(_without_instructions, closed)) if self._setup.instructions else closed

    def _whole(self) -> list[ModelMessage]:
        """The messages that are complete, from the live run.

        What the model was writing when a run ended is in `_output`, and what tools had returned is in `_calls`.
        """
        run = self._run_of_agent
        whole = [each for each in run.new_messages() if each.state == "complete"] if run else []
        return whole or [ModelRequest.user_text_prompt(self._prompt)] * bool(self._prompt)

    async def _run(self, on_text: OnText, committed: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._setup.limits.first_token_s):
                # This also connects the toolsets that are made for this run.
                run = self._run_of_agent = await stack.enter_async_context(await self._begin())
            checked = bool(run.ctx.deps.output_validators) or has_functions(self._agent.output_type)
            self._output.begin(on_text, held=checked)
            node = run.next_node
            while not Agent.is_end_node(node):
                if Agent.is_model_request_node(node):
                    while not (self._setup.asks_early or committed.is_set()):
                        await committed.wait()
                    await self._stream(node, run)
                elif Agent.is_call_tools_node(node):
                    await self._before_tools(node, committed)
                try:
                    async with tool_time(self._setup.limits.tools_s, in_answer=True) as deadline:
                        node = await run.next(node)
                finally:
                    if deadline.expired():
                        await self._calls.take_too_long()
                self._at_tools = False
                self._output.end_response()
            assert run.result is not None, "because the run is over"
            self._output.accept(run.result.output)

    async def _begin(self) -> AbstractAsyncContextManager[PydanticRun[Any, str]]:
        setup, history = self._setup, self._recall()
        system = await self._system_prompt(history)
        return self._agent.iter(
            self._prompt or None,
            message_history=[*system, *history],
            deps=setup.deps,
            model=setup.model,
            instructions=setup.instructions or None,
            toolsets=setup.toolsets,
            model_settings=self._model_settings,
            usage_limits=UsageLimits(request_limit=setup.limits.requests),
            capabilities=[self._calls, WholeResponses(), self._attempts, self._notices],
        )

    def _model_settings(self, context: RunContext[Any]) -> ModelSettings:
        """What the call has chosen, and what the server sets where the agent sets nothing: the context has that.

        What the model writes has a limit: the smaller of the server's and the call's, or else the agent's own. A model
        that is asked to think has none of the server's: its thoughts count, and some providers refuse a limit that is
        smaller than the room that they give to thoughts.
        """
        agents, limits = context.model_settings or {}, self._setup.limits
        servers = {name: value for name, value in limits.model_settings.items() if name not in agents}
        chosen = ModelSettings()
        chosen.update(servers)  # type: ignore[typeddict-item]
        chosen.update(self._setup.model_settings or {})
        wished = chosen.get("max_tokens") or agents.get("max_tokens")
        thinks = any({**agents, **chosen}.get(name) for name in ("thinking", "anthropic_thinking"))
        if limits.answer_tokens and not thinks:
            chosen["max_tokens"] = min(limits.answer_tokens, wished or limits.answer_tokens)
        return chosen

    def _language_to_answer_in(self) -> str:
        """The language of the call, for the model; "" leaves it to the agent."""
        language = self._setup.language()
        return ANSWER_IN.format(language=language) if language else ""

    async def _system_prompt(self, history: Sequence[ModelMessage]) -> list[ModelMessage]:
        """The system prompt of the agent, if it has one.

        pydantic-ai adds it only when there is no history, and here there is a history from the greeting on.
        """
        parts = await self._agent.system_prompt_parts(
            deps=self._setup.deps,
            model=self._setup.model,
            message_history=history,
            prompt=self._prompt,
            model_settings=self._setup.model_settings,
        )
        return [ModelRequest(parts=parts)] if parts else []

    async def _stream(self, node: ModelRequestNode[Any, str], run: PydanticRun[Any, str]) -> None:
        self._at_model = True
        self._setup.meter.add_request()
        usage, complete, begun, written = RequestUsage(), False, False, Written()

        try:
            loop, limits = asyncio.get_running_loop(), self._setup.limits
            self._attempts.begin(loop.time() + limits.first_token_s)
            async with asyncio.timeout(limits.first_token_s) as deadline, node.stream(run.ctx) as stream:
                try:
                    async for event in stream:
                        begun = True
                        deadline.reschedule(loop.time() + limits.between_tokens_s)
                        self._output.write(written.receive(text_of(event)))
                    self._output.write(written.finish())
                finally:
                    usage = stream.response.usage
            complete = True
            self._note_end(stream.response)
        except Exception as failure:
            begun = False
            self._attempts.fail(failure)
            raise
        finally:
            if begun:  # also when the caller has interrupted the answer
                self._attempts.succeed()
            self._setup.meter.add_tokens(used_tokens(usage, complete, run.all_messages()))

    def _note_end(self, response: ModelResponse) -> None:
        """Take note of why the model has ended its answer."""
        reason, model, breakers = response.finish_reason, self._attempts.asked[-1], self._setup.breakers
        if reason:
            breakers.tell_why.add(model)
        silent = reason is None and model in breakers.tell_why
        self.cut_off = (silent or reason in ("length", "content_filter")) and not response.tool_calls
        if reason and self.cut_off:
            breakers.failures[model, reason] += 1
            log.warning("x call %s: the answer of model %s was cut off: %s", self._setup.call, model, reason)

    async def _before_tools(self, node: CallToolsNode[Any, str], committed: asyncio.Event) -> None:
        self._at_model = False
        calls = node.model_response.tool_calls
        if not calls:
            return
        self._output.call_tools()  # ends the sentence: text so far is spoken while the tools run
        if not self._setup.agent.lookups.issuperset(call.tool_name for call in calls):
            while not committed.is_set():  # the answer may be given up before this task runs again
                await committed.wait()
        self._at_tools = True
        self.tools += [call.tool_name for call in calls]


def _without_instructions(message: ModelMessage) -> ModelMessage:
    """The history does not repeat a client's long instructions: each request has the present ones."""
    return replace(message, instructions=None) if isinstance(message, ModelRequest) else message
