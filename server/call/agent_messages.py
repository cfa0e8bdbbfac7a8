"""The messages about what the agent is going to say, and those by which a client takes part in what it knows and does:
tools, choices, notes and answers."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints, field_validator

from server.call.message import Message
from server.call.options import MAX_INSTRUCTIONS_CHARS, Choices

MAX_ID_CHARS = 256
MAX_OUTPUT_CHARS = 32_000
"""How long the result of a client's tool may be, as JSON. The model is told all of it."""
MAX_LINE_CHARS = 1_000
"""The longest line that the agent says as it is: a minute of speech."""
MAX_NOTE_CHARS = 8_000
"""How long one note may be. It stands in the history, and so in each later request to the model."""


class Usage(Message):
    """The tokens of one answer, as the model's provider counts them."""

    input_tokens: int
    output_tokens: int


class Clause(Message):
    """The agent is going to say `text` next in reply number `reply`. How far the caller has heard it, Response says."""

    type: Literal["clause"] = "clause"
    reply: int
    text: str


class ToolCall(Message):
    """The model calls the tool `name`, which the client has brought. The client answers with `tool_result`.

    A call that a lost connection has left without a result comes again on the next connection, with the same `id`.
    """

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)

    def to_json(self) -> str:
        return self.model_dump_json()  # an argument may be null


class ToolCancelled(Message):
    """Nobody waits for the result of tool call `id` any more: its time is over, or the call ends."""

    type: Literal["tool_cancelled"] = "tool_cancelled"
    id: str


class ToolResult(Message):
    """What has become of tool call `id`: its `output`, any JSON. Without `ok` it has failed, and `output` says why."""

    type: Literal["tool_result"] = "tool_result"
    id: Annotated[str, StringConstraints(max_length=MAX_ID_CHARS)]
    output: JsonValue = None
    ok: bool = True

    @field_validator("output")
    @classmethod
    def _short(cls, output: Any) -> Any:
        try:
            text = json.dumps(output, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except ValueError:
            raise ValueError("NaN and Infinity are not JSON") from None
        if len(text) > MAX_OUTPUT_CHARS:
            raise ValueError(f"it has more than {MAX_OUTPUT_CHARS} characters")
        return output

    def to_json(self) -> str:
        return self.model_dump_json()  # a part of the output may be null


class Update(Message, Choices):
    """From the next answer on the call has other choices. Those that are left out stay as they are."""

    type: Literal["update"] = "update"

    @property
    def changes(self) -> dict[str, Any]:
        """The choices that are made, by their names."""
        return {name: getattr(self, name) for name in Choices.model_fields if name in self.model_fields_set}

    def to_json(self) -> str:
        return self.model_dump_json(include={"type", *self.changes})


class Note(Message):
    """The history gets `text`, as said by `role`. Nobody answers it; the model knows it from the next answer on."""

    type: Literal["note"] = "note"
    role: Literal["user", "assistant", "system"] = "user"
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NOTE_CHARS)]


class Respond(Message):
    """The agent answers now, from where the history stands. While it answers already, this does nothing.

    `instructions` are for this answer alone.
    """

    type: Literal["respond"] = "respond"
    instructions: Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=MAX_INSTRUCTIONS_CHARS)] = (
        ""
    )


class Say(Message):
    """The agent says `text` as it is, when it is its turn. Only agents that take instructions from clients do."""

    type: Literal["say"] = "say"
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINE_CHARS)]


class Mute(Message):
    """The agent hears nothing of the caller, until a message without `on`. A muted caller is not asked whether they
    are there."""

    type: Literal["mute"] = "mute"
    on: bool = True


class Ask(Message):
    """A question to the model beside the talk, answered by `answered` with the same `id`.

    The caller hears nothing of it, no history gets it, and no tool with effects runs for it. With `history` the model
    knows what was said in the call.
    """

    type: Literal["ask"] = "ask"
    id: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARS)]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_INSTRUCTIONS_CHARS)]
    history: bool = True


class Answered(Message):
    """What the model has answered to the question `id`. Without `ok` it could not, and `text` says why."""

    type: Literal["answered"] = "answered"
    id: str
    text: str
    ok: bool = True


class Commit(Message):
    """The caller is done: what was said so far is whole. It comes behind the sound that was sent before it.

    If nothing was said, a final `transcription` without words answers it.
    """

    type: Literal["commit"] = "commit"


class Clear(Message):
    """What the caller is saying at present is not meant for the agent: forget it."""

    type: Literal["clear"] = "clear"


FromAgent = Clause | ToolCall | ToolCancelled | Answered
ToAgent = ToolResult | Update | Note | Respond | Say | Mute | Commit | Clear | Ask
