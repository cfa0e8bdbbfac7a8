"""Message: what all messages between a session and its client have in common."""

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A message. On every kind of connection it is a JSON object."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_json(self) -> str:
        return self.model_dump_json(exclude_none=True)
