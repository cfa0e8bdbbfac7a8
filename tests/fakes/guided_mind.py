"""A scripted model of an agent that does what the client says."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls

from server.agent.voice_agent import VoiceAgent
from tests.fakes.mind import Mind, last_said, newest_of


@dataclass
class GuidedMind(Mind):
    """As Mind, for an agent that is `by_client`. "look up X" calls the client's tool `look_up`."""

    by_client: bool = True

    def agent(self, greeting: str = "") -> VoiceAgent:
        return replace(super().agent(greeting), by_client=self.by_client)

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        self.tools_seen = {tool.name: tool.parameters_json_schema for tool in info.function_tools}
        said = last_said(history)
        if said.startswith("look up ") and not isinstance(newest_of(history), ToolReturnPart):
            self.requests += 1
            self.seen.append(list(history))
            self.told.append(info.instructions or "")
            yield "One moment."
            arguments = json.dumps({"what": said[8:], "how": None})
            yield {0: DeltaToolCall("look_up", arguments, tool_call_id=f"call{self.requests}")}
            return
        async for each in super()._think(history, info):
            yield each

    def __post_init__(self) -> None:
        self.tools_seen: dict[str, object] = {}
        """The schemas of the tools of the newest request, by name."""
