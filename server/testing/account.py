"""Account: what has happened in a call, in order, and what is true of it.

A test does one thing after the other: the caller says something, is silent, interrupts. Each of these is a step. What
the agent says and does counts for the step in which it begins.
"""

from dataclasses import dataclass, field
from typing import Any

from server.agent.passing_on import Transfer
from server.call import messages
from server.call.session import Observed
from server.errors import AntiphonError, EngineError
from server.testing.watched import ToolRun


@dataclass(slots=True)
class Step:
    """Something that the caller did."""

    did: str
    """As "said 'hello'"."""


@dataclass(slots=True)
class Answer:
    """Something that the agent says, asked or unasked, as far as the caller has heard it."""

    reply: int
    text: str = ""
    over: bool = False
    """The caller has heard it to its end, or it was interrupted, or it has failed."""
    interrupted: bool = False

    def __str__(self) -> str:
        return f"{self.text.strip()} —" if self.interrupted else self.text.strip()


@dataclass(slots=True)
class _Ended:
    """The call is over."""


@dataclass(slots=True)
class Account:
    """One call."""

    _events: list[Step | Answer | ToolRun | EngineError | _Ended] = field(default_factory=list)
    _step: Step = field(default_factory=lambda: Step("called"))
    _reply_before: int = 0
    """The number of the newest reply before the present step."""
    transfer: Transfer | None = None
    """To whom the call is to be transferred, as the line was told last."""
    _tools_before: int = 0
    """How many tools had begun before the present step."""

    # What happens

    def begin(self, did: str, last_reply: int) -> None:
        """The caller begins a step. `last_reply` is the number of the newest reply."""
        self._step = Step(did)
        self._events.append(self._step)
        self._reply_before, self._tools_before = last_reply, len(self.tools)

    def go_on(self, did: str) -> None:
        """The caller does something more in the present step."""
        self._events.append(Step(did))

    def take(self, observed: Observed | ToolRun) -> None:
        """Note what the call shows."""
        match observed:
            case messages.Response():
                answer = self._answer(observed.reply)
                answer.text, answer.over = observed.text, observed.final
                answer.interrupted = observed.interrupted
            case messages.Transfer(to=to, note=note):
                self.transfer = Transfer(to, note)
            case EngineError():
                self._events.append(observed)
            case ToolRun() if not any(known is observed for known in self._events):
                self._events.append(observed)

    def end(self) -> None:
        """The call is over. A second call of this does nothing."""
        if not self._events or not isinstance(self._events[-1], _Ended):
            self._events.append(_Ended())

    def _answer(self, reply: int) -> Answer:
        for answer in self.answers:
            if answer.reply == reply:
                return answer
        answer = Answer(reply)
        self._events.append(answer)
        return answer

    # What is known

    @property
    def answers(self) -> list[Answer]:
        """All that the agent has said, in order."""
        return [event for event in self._events if isinstance(event, Answer)]

    @property
    def tools(self) -> list[ToolRun]:
        """All tools that have run, in order."""
        return [event for event in self._events if isinstance(event, ToolRun)]

    @property
    def failures(self) -> list[EngineError]:
        """All failures of the model and of tools, in order."""
        return [event for event in self._events if isinstance(event, EngineError)]

    @property
    def said(self) -> str:
        """What the caller has heard of the agent in this step."""
        return self.said_after(self._reply_before)

    def said_after(self, reply: int) -> str:
        """What the caller has heard of the replies that came after this one."""
        return " ".join(str(answer) for answer in self.answers if answer.reply > reply and answer.text)

    def has_said(self, text: str) -> bool:
        """The caller has heard `text` in this step, in capitals or not."""
        return _plain(text) in _plain(self.said)

    def ran(self, tool: str, arguments: dict[str, Any]) -> bool:
        """The tool has run in this step, with these arguments and perhaps others."""
        return any(
            run.name == tool and all(run.arguments.get(name, _ABSENT) == value for name, value in arguments.items())
            for run in self.tools[self._tools_before :]
        )

    def error(self, problem: str) -> AssertionError:
        """An error that says what is wrong, in which step, and what has happened until now."""
        return AssertionError(f"{problem}, after the caller {self._step.did}.\n\nThe call so far:\n{self}")

    def __str__(self) -> str:
        """The whole call, a line for each event."""
        return "\n".join(f"  {who:<8}{what}" for who, what in map(_line, self._events) if what)


_ABSENT = object()


def _line(event: object) -> tuple[str, str]:
    """Who does it, and what it is; "" is nothing."""
    match event:
        case Step():
            return "caller", event.did
        case Answer():
            return "agent", str(event) if event.text else ""
        case EngineError():
            return "failed", reason(event)
        case _Ended():
            return "", "(the call is over)"
    return "tool", str(event)


def reason(failure: AntiphonError) -> str:
    """What has failed, with the exception that was the cause."""
    first: BaseException = failure
    while (cause := first.__cause__) is not None:
        first = cause
    return f"{failure} ({type(first).__name__}: {first})" if first is not failure else str(failure)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
