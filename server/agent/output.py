"""Output: which text of a run the caller hears, and what the history says of it.

The text of most agents is handed on piece by piece, as the model writes it. An agent with output validators or output
functions has its say about a text only when the text is complete. Then nothing is handed on but the output that the run
has accepted: no text that was rejected, and none that stands before tool calls, because nobody has checked that.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import isclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic_ai import TextOutput, ToolOutput
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    TextPart,
    ToolCallPart,
)

from server.agent.written import written
from server.errors import EngineError

OnText = Callable[[str], None]


class Output:
    """The text of one run."""

    def __init__(self) -> None:
        self.partial = ""
        """What was handed on of the response that the model writes now."""
        self._on_text: OnText = lambda text: None
        self._held = False
        self._accepted = ""

    def begin(self, on_text: OnText, held: bool) -> None:
        """The run begins. `held`: nothing is handed on before the run has accepted its output."""
        self._on_text, self._held = on_text, held

    def write(self, text: str) -> None:
        """The model has written `text`."""
        if text and not self._held:
            self.partial += text
            self._on_text(text)

    def call_tools(self) -> None:
        """The model calls tools: the text before the calls is complete."""
        if not self._held:
            self._on_text("\n")

    def end_response(self) -> None:
        """The response of the model is complete, and among the messages of the run."""
        self.partial = ""

    def accept(self, output: object) -> None:
        """The run is over. Raises EngineError when its output is no text."""
        if not isinstance(output, str):
            raise EngineError("agent", f"The agent's output is {type(output).__name__}, and not text.")
        if self._held and (text := written(output)):
            self._accepted = text
            self._on_text(text)

    def own(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """As many `messages`, with the text in them that was handed on."""
        if not self._held:
            return list(messages)
        found = list(map(_without_text, messages))
        if self._accepted and isinstance(last := found[-1], ModelResponse):
            found[-1] = replace(last, parts=[*last.parts, TextPart(self._accepted)])
        elif self._accepted:  # an output function was called as a tool
            found.append(ModelResponse(parts=[TextPart(self._accepted)]))
        return found

    def without_rejected(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """`messages` without the responses that were rejected, and without the reasons, which are for this run only.

        What the agent said beside a rejected response stays.
        """
        if not self._held:
            return list(messages)
        kept: list[ModelMessage] = []
        said: list[TextPart] = []
        for message in messages:
            if isinstance(message, ModelResponse):
                kept.append(replace(message, parts=[*said, *message.parts]))
                said = []
            elif not _rejects(message):
                kept.append(message)
            elif isinstance(rejected := kept[-1], ModelResponse) and not rejected.tool_calls:
                said = [part for part in rejected.parts if isinstance(part, TextPart)]
                kept.pop()
        if said:
            kept.append(ModelResponse(parts=said))
        return [message for message in kept if isinstance(message, ModelRequest) or _says_something(message)]


def _without_text(message: ModelMessage) -> ModelMessage:
    if isinstance(message, ModelRequest):
        return message
    return replace(message, parts=[part for part in message.parts if not isinstance(part, TextPart)])


def _says_something(message: ModelResponse) -> bool:
    return any(isinstance(part, TextPart | ToolCallPart) for part in message.parts)


def _rejects(message: ModelRequest) -> bool:
    return bool(message.parts) and all(isinstance(part, RetryFeedbackPart) for part in message.parts)


# Which outputs an agent has


def has_functions(output_type: object) -> bool:
    """Whether a function makes the output of a pydantic-ai agent, or one of its outputs."""
    return any(_function_of(kind) is not None for kind in _kinds(output_type))


def is_text(output_type: object) -> bool:
    """Whether text is among the outputs of a pydantic-ai agent."""
    return any(kind is str or _gives_text(kind) for kind in _kinds(output_type))


def other_function(output_type: object) -> str:
    """The name of a function that makes an output which is no text, as it says itself; "" when there is none."""
    functions = [(function, kind) for kind in _kinds(output_type) if (function := _function_of(kind)) is not None]
    return next((getattr(function, "__name__", "") for function, kind in functions if not _gives_text(kind)), "")


def _kinds(output_type: object) -> Sequence[object]:
    if isinstance(output_type, Sequence):
        return [kind for each in output_type for kind in _kinds(each)]
    if get_origin(output_type) in (Union, UnionType):
        return get_args(output_type)
    return [output_type]


def _function_of(kind: object) -> Callable[..., Any] | None:
    """The function that makes this kind of output; None when none does."""
    if isinstance(kind, TextOutput):
        return kind.output_function
    if isinstance(kind, ToolOutput):
        return _function_of(kind.output)
    return kind if callable(kind) and not isclass(kind) and get_origin(kind) is None else None


def _gives_text(kind: object) -> bool:
    """Whether a function makes this kind of output, and does not say that it returns something else than text."""
    function = _function_of(kind)
    if function is None:
        return False
    try:
        returned = get_type_hints(function).get("return", Any)
    except (NameError, TypeError):  # names that only a type checker knows, or an object that is called
        return True
    return returned in (Any, object) or not isclass(returned) or issubclass(returned, str)
