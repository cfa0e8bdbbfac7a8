"""Known: what the provider of a speech-to-speech model knows of the call, and what it has to be told.

The provider keeps a conversation of its own. The history of the call is the truth, because it has what the caller
heard. Both go on together; whatever the provider has not seen itself is told to it in words before its next answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    SystemPromptPart,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)

SAID_BEFORE = "(You have said to the caller: {text})"
TOLD = "(For you, and not from the caller: {text})"
GONE = "(These of your instructions hold no longer: {text})"
CHANGED = "(Your instructions have changed. From now on: {text})"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a tool has returned."""

    call: str
    """The id of the call."""
    output: str


@dataclass(frozen=True, slots=True)
class Update:
    """What the provider has to be given, in this order, so that it can answer."""

    context: tuple[str, ...] = ()
    """Texts that ask for no answer."""
    returned: tuple[Returned, ...] = ()
    """Results of tools, which ask for an answer."""
    prompt: str = ""
    """What the caller has said, or another text that asks for an answer; "" when results do so, or when it was given
    before and nothing came of it."""


@dataclass(slots=True)
class Known:
    """What one conversation at the provider has."""

    instructions: str = ""
    _said: list[str] = field(default_factory=list)
    """The letters of each thing that the agent has said."""
    _open: set[str] = field(default_factory=set)
    """The ids of the calls for which no result was given."""
    _notice: str = ""
    _asked: str = ""
    """The prompt that it was given as text, while nothing was answered."""

    def seed(self, history: Sequence[ModelMessage]) -> None:
        """The conversation began with this history."""
        self._said += [letters(message.text or "") for message in history if isinstance(message, ModelResponse)]

    def said(self, words: str) -> None:
        """The model has said this. The caller may have heard less of it."""
        if words.strip():
            self._said.append(letters(words))
            self._asked = ""

    def asked(self, prompt: str) -> None:
        """It was given this prompt as text."""
        self._asked = prompt

    def called(self, call: str) -> None:
        """The model has called a tool."""
        self._open.add(call)

    def answered(self, messages: Sequence[ModelMessage]) -> bool:
        """Whether these messages have a result for each call that is open, in the last one."""
        last = messages[-1]
        given = {part.tool_call_id for part in last.parts if isinstance(part, ToolReturnPart)}
        return self._open <= given

    def update(self, messages: Sequence[ModelMessage], instructions: str) -> Update:
        """What is missing, so that the provider can answer the last of the `messages`. Counts as known from now on."""
        *history, last = messages
        context = [*self._new_instructions(instructions)]
        for message in history[self._seen(history) :]:
            context += [text for text in _told(message) if text != self._asked]
            if isinstance(message, ModelResponse) and message.text:
                self.said(message.text)
        prompts, returned = [], []
        for part in last.parts:
            match part:
                case ToolReturnPart() if part.tool_call_id in self._open:
                    returned.append(Returned(part.tool_call_id, part.model_response_str()))
                case ToolReturnPart():  # of a call that another line has brought
                    context.append(_result(part))
                case RetryFeedbackPart():
                    prompts.append(part.model_response())
                case UserPromptPart():
                    prompts.append(_text(part))
        self._open -= {each.call for each in returned}
        *before, prompt = prompts or [""]
        context += [*before, *self._new_notice(last)]
        return Update(tuple(context), tuple(returned), "" if prompt == self._asked else prompt)

    def _seen(self, history: Sequence[ModelMessage]) -> int:
        """How many messages of the history the conversation has, if it has the newest of them."""
        for index in range(len(history) - 1, -1, -1):
            message = history[index]
            if not isinstance(message, ModelResponse):
                continue
            text = letters(message.text or "")
            if text and any(said.startswith(text) for said in self._said):
                return index + 1
        return 0

    def _new_instructions(self, instructions: str) -> list[str]:
        """The lines that are new since the provider was given instructions, and those that have gone.

        Where one has come for each that has gone, such as the present time, the new ones alone say it.
        """
        before, self.instructions = self.instructions, instructions
        gone, new = _lines_of(before, instructions), _lines_of(instructions, before)
        told = [GONE.format(text="\n".join(gone))] if len(gone) > len(new) else []
        return [*told, *([CHANGED.format(text="\n".join(new))] if new else [])]

    def _new_notice(self, last: ModelMessage) -> list[str]:
        """The notice of this request, if it is another than that of the request before."""
        before, self._notice = self._notice, notice_of(last)
        return [TOLD.format(text=self._notice)] if self._notice and self._notice != before else []


def _lines_of(text: str, other: str) -> list[str]:
    """The lines of `text` that the other one has not."""
    known = set(other.splitlines())
    return [line for line in text.splitlines() if line.strip() and line not in known]


def letters(text: str) -> str:
    """The letters and digits of a text. Two texts of the same words may differ in everything else."""
    return "".join(filter(str.isalnum, text)).casefold()


def notice_of(message: ModelMessage) -> str:
    """What stands at the end of a request for this request only."""
    parts = [part for part in message.parts if isinstance(part, SystemPromptPart) and part.scope == "request"]
    return "\n\n".join(part.content for part in parts)


def standing(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """The history in `messages`, of which the last one is the request. It keeps the agent's system prompt."""
    *history, last = messages
    system = [part for part in last.parts if isinstance(part, SystemPromptPart) and part.scope != "request"]
    return [*history, *([ModelRequest(parts=system)] if system else [])]


def _told(message: ModelMessage) -> list[str]:
    """A message of the history as texts."""
    if isinstance(message, ModelResponse):
        said = "".join(part.content for part in message.parts if isinstance(part, TextPart))
        return [SAID_BEFORE.format(text=said)] if said.strip() else []
    told = [_text(part) for part in message.parts if isinstance(part, UserPromptPart)]
    return told + [_result(part) for part in message.parts if isinstance(part, ToolReturnPart)]


def _result(part: ToolReturnPart) -> str:
    return TOLD.format(text=f"the tool {part.tool_name} has returned {part.model_response_str()}")


def _text(part: UserPromptPart) -> str:
    if isinstance(part.content, str):
        return part.content
    return " ".join(each for each in part.content if isinstance(each, str))
