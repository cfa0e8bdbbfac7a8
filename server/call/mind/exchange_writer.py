"""ExchangeWriter: writes each exchange down as the caller heard it, in the history and in the record."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolReturnPart,
)

from server.agent.returned import Returned
from server.call import messages
from server.call.agent_messages import Note, Usage
from server.call.host import Host
from server.call.mind.history import History
from server.call.mind.measured import Measured, Since
from server.call.mind.owed import Owed
from server.call.mouth.mouth import SpokenReply
from server.call.setup import CallSetup
from server.errors import EngineError
from server.record.conversation import Exchange, Said, Standing, tool_uses
from server.record.figures import Figures, ToolRun
from server.record.minutes import Minutes

GO_ON = "(Go on.)"
"""What the model is told to have been asked, before a client's note of what the agent has said."""

MOST_RESUMED = 20
"""How many times are kept at which an answer went on. Who murmurs more often has told enough."""


@dataclass(frozen=True, slots=True)
class _Written:
    """The exchange that was written down last."""

    spoken: SpokenReply
    interrupted: bool
    ended_s: float
    since: Since
    language: str
    agent: str


@dataclass(frozen=True, slots=True)
class _Noted:
    """What the client has noted after the last exchange. In the record it is an exchange of its own."""

    said: tuple[Said, ...]


class ExchangeWriter:
    """The exchanges of one call."""

    def __init__(self, host: Host, history: History, minutes: Minutes, measured: Measured) -> None:
        """Call `write_for` before anything else."""
        self._measured = measured
        measured.on_late = self._refine
        self._host = host
        self._history = history
        self._minutes = minutes
        self._now = asyncio.get_running_loop().time
        self._last: _Written | _Noted | None = None
        self._late: list[Returned] = []
        """What has returned from the background since then."""

    def write_for(self, setup: CallSetup, owed: Owed, standing: Callable[[], Standing]) -> None:
        """From now on write down what the agent of `setup` says. `standing` tells where the dialogue stands."""
        self._setup = setup
        self._owed = owed
        self._standing = standing

    def close(
        self, spoken: SpokenReply, partly: bool, interrupted: bool = False, failure: EngineError | None = None
    ) -> None:
        """The reply is over, heard `partly` or to its end: write the exchange down, and tell the client. `failure` has
        ended it."""
        heard, tools = spoken.reply.speech.heard, spoken.reply.source.tools
        unanswered = spoken.asked is not None and not interrupted  # it failed; after an interruption the answer is owed
        if heard or tools or unanswered:
            kept = spoken.reply.source.messages()
            kept = self._history.add_interrupted(kept, heard) if partly else self._history.add(kept)
            since, standing, agent = self._measured.take(failure), self._standing(), self._setup.agent
            language = standing.language or agent.own_language
            self._last = _Written(spoken, interrupted, self._now(), since, language, agent.name)
            self._late = []
            exchange = self._exchange(self._last, kept)
            self._minutes.exchanged(exchange, self._state, standing)
            self._host.exchanged(exchange)
        self._host.send(
            messages.Response(
                reply=spoken.number, text=heard, final=True, interrupted=interrupted, tools=tools,
                usage=_usage(spoken.reply.source.messages()),
            )
        )  # fmt: skip

    def amend(self, spoken: SpokenReply, unheard_ms: float) -> None:
        """Correct the exchange that was written last: the caller missed the last `unheard_ms` of its reply.

        The speech of `spoken` has been put back already. Nothing happens if another exchange was written last.
        """
        if not isinstance(self._last, _Written) or self._last.spoken is not spoken:
            return
        kept = self._history.take_back(spoken.reply.speech.heard)
        last = replace(self._last, ended_s=self._now() - unheard_ms / 1000)
        self._minutes.amended(self._exchange(last, kept), self._state)
        if not last.interrupted:
            self._owed.owe_unsaid(spoken.reply.speech.unheard)

    def add_result(self, returned: ToolReturnPart) -> None:
        """A tool has returned after its exchange was written down."""
        kept = self._history.add_result(returned)
        if self._last is not None:
            self._minutes.amended(self._exchange(self._last, kept), self._state)

    def add_returned(self, returned: Returned) -> None:
        """A tool has returned from the background."""
        kept = self._history.add_returned(returned)
        if self._last is not None:
            self._late.append(returned)
            self._minutes.amended(self._exchange(self._last, kept), self._state)

    def add_note(self, text: str) -> None:
        """The model has to know this, whatever becomes of the next reply."""
        kept = self._history.add_note(text)
        if self._last is not None:
            self._minutes.amended(self._exchange(self._last, kept), self._state)

    def add_said(self, note: Note) -> None:
        """The client says that this was said, and nobody answers it. What the system says is for the model alone."""
        at_ms = self._minutes.offset_ms(self._now())
        said: tuple[Said, ...] = ()
        if note.role == "user":
            said = (Said("caller", note.text, at_ms, at_ms),)
        elif note.role == "assistant":
            said = (Said("agent", note.text, at_ms, at_ms, name=self._name),)
        self._last, self._late = _Noted(said), []
        after = self._history.messages[-1:]
        exchange = self._exchange(self._last, self._history.add(_as_messages(note, after)))
        self._minutes.exchanged(exchange, self._state, self._standing())

    def sign_off(self) -> None:
        """The call is over here: what has happened after the last exchange belongs to that."""
        if isinstance(self._last, _Written):
            more, since = self._measured.take(), self._last.since
            failures = (*since.failures, *more.failures)
            since = replace(since, false_starts=since.false_starts + more.false_starts, failures=failures)
            self._last = replace(self._last, since=since)
            self._refine()

    def _refine(self) -> None:
        """Something was measured that may belong to the last exchange. This costs no write: the store gets the last
        exchange again with the next record."""
        if isinstance(self._last, _Written):
            *_, exchange = self._minutes.record.exchanges
            self._minutes.refined(replace(exchange, figures=self._figures(self._last, exchange.messages)))

    def _figures(self, last: _Written, kept: Sequence[ModelMessage]) -> Figures:
        """`kept` are the messages of the exchange."""
        late = [each.ran for each in self._late if each.ran is not None]
        found, usage = self._measured.figures(last.spoken, last.since, last.interrupted), _usage(kept)
        return replace(
            found,
            agent=last.agent,
            language=last.language,
            resumed_ms=tuple(map(self._minutes.offset_ms, last.spoken.resumed_s[:MOST_RESUMED])),
            tools=(*found.tools, *(ToolRun(ran.name, ran.ms, ran.outcome) for ran in late)),
            input_tokens=usage.input_tokens if usage else 0,
            output_tokens=usage.output_tokens if usage else 0,
        )

    @property
    def _state(self) -> str:
        """The state of the agent, to be kept."""
        return self._setup.agent.state_of(self._setup.deps)

    @property
    def _name(self) -> str:
        """The agent's name, if it is another one than that with which the conversation began."""
        name = self._setup.agent.name
        return name if name != self._minutes.record.agent else ""

    def _exchange(self, last: _Written | _Noted, kept: Sequence[ModelMessage]) -> Exchange:
        """The exchange for the record, in ms since the conversation began. `kept` are its messages for a model."""
        if isinstance(last, _Noted):
            return Exchange(last.said, tuple(kept))
        spoken, at = last.spoken, self._minutes.offset_ms
        heard, tools = spoken.reply.speech.heard, spoken.reply.source.tools
        said = []
        if (asked := spoken.asked) is not None:
            began_ms = at(asked.began_s)
            said.append(Said("caller", asked.prompt, began_ms, max(began_ms, at(spoken.stopwatch.start_s))))
        if heard or tools:
            began_ms = at(min(spoken.begun_s or last.ended_s, last.ended_s))
            ended_ms = max(began_ms, at(last.ended_s))
            uses = tool_uses(kept, [(each.call, each.part) for each in self._late])
            said.append(Said("agent", heard, began_ms, ended_ms, last.interrupted, uses, self._name))
        return Exchange(tuple(said), tuple(kept), self._figures(last, kept))


def _as_messages(note: Note, after: Sequence[ModelMessage]) -> list[ModelMessage]:
    """The note, for a model that knows the message `after` which it comes, if there is one.

    Some providers take no agent's words at the beginning, and no two messages of the agent in a row.
    """
    if note.role == "user":
        return [ModelRequest.user_text_prompt(note.text)]
    if note.role == "system":
        return [ModelRequest(parts=[SystemPromptPart(note.text)])]
    asked = [ModelRequest.user_text_prompt(GO_ON)] if not isinstance([None, *after][-1], ModelRequest) else []
    return [*asked, ModelResponse(parts=[TextPart(note.text)])]


def _usage(exchanged: Sequence[ModelMessage]) -> Usage | None:
    """The tokens of all requests of an answer; None if the provider tells nothing of them."""
    told = [message.usage for message in exchanged if isinstance(message, ModelResponse)]
    taken, made = sum(each.input_tokens for each in told), sum(each.output_tokens for each in told)
    return Usage(input_tokens=taken, output_tokens=made) if taken or made else None
