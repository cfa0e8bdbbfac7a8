"""Request: what a model is asked."""

from collections.abc import Sequence

from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import ModelRequestParameters


class Request:
    """What a model is asked: the messages, of which the last one is the request, and the tools and instructions."""

    def __init__(self, messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> None:
        self.messages = messages
        self.parameters = parameters

    @property
    def instructions(self) -> str:
        return "\n\n".join(part.content for part in self.parameters.instruction_parts or ())

    @property
    def tools(self) -> str:
        """The tools as a text, to be compared."""
        tools = sorted(self.parameters.function_tools, key=lambda tool: tool.name)
        return repr([(each.name, each.description, each.parameters_json_schema) for each in tools])
