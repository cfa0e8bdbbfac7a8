"""Items of a conversation, as clients of OpenAI's protocols write them. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_ID_CHARS = 128
"""How long the id of an event or an item may be. OpenAI's have about 25 characters."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARS)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Content(Part):
    """One part of a message. `transcript` has the words of a part that is sound."""

    type: Literal["input_text", "input_audio", "input_image", "output_text", "output_audio", "text", "audio"]
    text: str | None = None
    transcript: str | None = None
    audio: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _of_words(self) -> "Content":
        """Nothing of a message is left out without a word."""
        if self.type == "input_image":
            raise ValueError("images are not taken here")
        if self.text is None and self.transcript is None:
            raise ValueError("only words are taken here: text, or the transcript of sound")
        return self


class Item(Part):
    """An item of the conversation. Which fields it needs depends on its `type`; `needed` checks them."""

    id: Id | None = None
    type: Literal["message", "function_call", "function_call_output", "item_reference"]
    role: Literal["user", "assistant", "system"] | None = None
    content: Annotated[list[Content], Field(max_length=64)] = []
    call_id: Id | None = None
    name: Id | None = None
    arguments: str | None = None
    output: str | None = None

    @property
    def words(self) -> str:
        """What the parts of a message say."""
        return "\n".join(text for part in self.content if (text := part.text or part.transcript))

    @property
    def chars(self) -> int:
        """How many characters are kept of it."""
        parts = sum(len(part.text or "") + len(part.transcript or "") for part in self.content)
        return parts + len(self.arguments or "") + len(self.output or "")
