"""What models and tools write, made fit to be spoken and to be sent to a model again.

A stream cuts text anywhere: between the halves of an emoji, and in the middle of a tag. A model that thinks aloud
writes its thoughts between tags, as its chat template wants it, when its provider does not take them out.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain, count
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import (
    AgentStreamEvent,
    ModelResponse,
    ModelResponsePart,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import ModelRequestContext

_TAG = re.compile(r"<(?P<end>/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_MAY_BE_TAG = re.compile(r"</?[a-z]{0,9}\Z", re.IGNORECASE)
"""The beginning of a tag at the end of a text."""
_FIRST_HALF = re.compile(r"[\ud800-\udbff]\Z")


class Written:
    """The text of one response, while it comes. Thoughts between tags are left out, and half characters are joined or
    left out.

    Of thoughts whose opening tag is missing only the closing tag is left out: they have been passed on before it comes.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._thinking = False

    def receive(self, delta: str) -> str:
        """Add text; returns what is certain by now."""
        text = self._rest + delta
        half = len(text) - 1 if _FIRST_HALF.search(text) else len(text)
        text, half_character = whole(text[:half]), text[half:]
        given = []
        while tag := _TAG.search(text):
            given.append("" if self._thinking else text[: tag.start()])
            self._thinking = not tag["end"]
            text = text[tag.end() :]
        may_be_tag = _MAY_BE_TAG.search(text)
        certain = may_be_tag.start() if may_be_tag else len(text)
        given.append("" if self._thinking else text[:certain])
        self._rest = text[certain:] + half_character
        return "".join(given)

    def finish(self) -> str:
        """The text is complete: returns the rest of it."""
        return "" if self._thinking else whole(self._rest)


def text_of(event: AgentStreamEvent) -> str:
    """The text that the model has added; "" if it has added something else."""
    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""


class WholeResponses(AbstractCapability[Any]):
    """Makes what the model has written fit for the history, from which the model is told of it again."""

    async def after_model_request(
        self, ctx: RunContext[Any], *, request_context: ModelRequestContext, response: ModelResponse
    ) -> ModelResponse:
        parts = [part for message in ctx.messages for part in message.parts]
        known = {part.tool_call_id for part in parts if isinstance(part, ToolCallPart)}
        return replace(response, parts=[_named(_whole_part(part), known) for part in response.parts])


def _named(part: ModelResponsePart, known: set[str]) -> ModelResponsePart:
    """`part`, and if it is a tool call, with an id that is not `known`. Some models give several calls the same id, and
    no provider takes a history with two results for one id."""
    if not isinstance(part, ToolCallPart):
        return part
    numbers = (f"{part.tool_call_id}-{number}" for number in count(2))
    new = next(each for each in chain([part.tool_call_id], numbers) if each not in known)
    known.add(new)
    return replace(part, tool_call_id=new)


def _whole_part(part: ModelResponsePart) -> ModelResponsePart:
    match part:
        case TextPart():
            text = written(part.content)
            return replace(part, content=text if text.strip() else "")  # some providers take no blank text
        case ToolCallPart():
            return replace(part, args=whole_value(part.args))
    return part


def written(text: str) -> str:
    """A complete text, without thoughts between tags and without half characters."""
    stream = Written()
    return stream.receive(text) + stream.finish()


def whole(text: str) -> str:
    """`text` with the halves of characters (surrogates) joined. A half that is alone is left out, because no text with
    it can be sent."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def whole_value(value: Any) -> Any:
    """`value`, what a tool has returned, with each text in it `whole`."""
    match value:
        case str():
            return whole(value)
        case Mapping():
            return {whole_value(key): whole_value(each) for key, each in value.items()}
        case list() | tuple():
            return [whole_value(each) for each in value]
    return value
