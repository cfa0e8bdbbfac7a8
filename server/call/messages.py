"""What a session and its client tell each other, whatever carries it: one class a message, JSON objects on the wire.

Server to client: Hello, State, Transcription, Response, Audio, Interrupted, Metrics, Reconnect, Error, Ping, Pong.
Client to server: Start (on a WebSocket), Text, Played, Heard, Interrupt, HangUp, Ping, Pong.
"""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from server.call.options import CallOptions
from server.errors import PeerError

MAX_TEXT_CHARS = 2_000
"""Longest typed message: a minute of speech has about 1,000 characters."""
MAX_TOKEN_CHARS = 128
NonNegativeFloat = Annotated[FiniteFloat, Field(ge=0)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_json(self) -> str:
        return self.model_dump_json(exclude_none=True)


class AudioFormat(_Message):
    """How sound is carried in the binary frames of a WebSocket.

    pcm16: signed 16-bit little-endian mono. opus: one packet (RFC 6716) a frame; sample_rate says what is decoded to.
    pcmu, pcma: G.711, at 8000 only.
    """

    encoding: Literal["pcm16", "opus", "pcmu", "pcma"] = "pcm16"
    sample_rate: Literal[8000, 16000, 24000, 48000] = 16000

    @model_validator(mode="after")
    def _telephone_rate(self) -> "AudioFormat":
        if self.encoding in ("pcmu", "pcma") and self.sample_rate != 8000:
            raise ValueError(f"{self.encoding} has a sample_rate of 8000")
        return self


class Hello(_Message):
    """First on every connection: whose call this is and who answers.

    `resume` is the secret that continues this conversation on another connection; each is good for one. `resumed` says
    that this connection does so. `audio` is the format of both directions where the connection does not know it itself.
    """

    type: Literal["session"] = "session"
    session_id: str
    agent: str
    resume: str = ""
    resumed: bool = False
    audio: AudioFormat | None = None


class State(_Message):
    """Who has the floor."""

    type: Literal["state"] = "state"
    state: Literal["listening", "hearing", "thinking", "speaking", "overlap", "closed"]


class Transcription(_Message):
    """What the person has said so far in utterance number `utterance`; a later one of the same number replaces it.

    A final with empty text withdraws the utterance: it was a noise.
    """

    type: Literal["transcription"] = "transcription"
    utterance: int
    text: str
    final: bool


class Response(_Message):
    """What has been heard so far of answer number `reply`; a later one of the same number replaces it.

    `final` comes once for each answer. `interrupted` says that the caller cut in. `tools` names those that ran.
    """

    type: Literal["response"] = "response"
    reply: int
    text: str
    final: bool
    interrupted: bool = False
    tools: list[str] = []


class Audio(_Message):
    """The binary frames that follow on this WebSocket are of answer number `reply`."""

    type: Literal["audio"] = "audio"
    reply: int


class Interrupted(_Message):
    """Answer number `reply` is over: what is buffered of it is to be dropped, now."""

    type: Literal["interrupted"] = "interrupted"
    reply: int


class Metrics(_Message):
    """The stages of one exchange in ms from the last voiced frame; None where there was no such stage.

    endpoint: until the floor decided that the person is done. transcript: until the words were final.
    first_token: until the model's first text. first_clause: until the first clause went to text-to-speech.
    first_packet: until the answer's first packet was sent: the gap as the server sees it.
    attempts: how often an answer was begun for what the person said; more than one when they paused and went on.
    """

    type: Literal["metrics"] = "metrics"
    reply: int
    attempts: int = 1
    endpoint_ms: float | None = None
    transcript_ms: float | None = None
    first_token_ms: float | None = None
    first_clause_ms: float | None = None
    first_packet_ms: float | None = None

    def in_words(self) -> str:
        """All of it on one line, for the log."""
        stages = self.model_dump(exclude={"type", "reply"}, exclude_none=True)
        return f"reply={self.reply} " + " ".join(f"{stage}={ms:.0f}" for stage, ms in stages.items())


class Reconnect(_Message):
    """The server goes: connect again, with the newest `resume`, and the conversation continues."""

    type: Literal["reconnect"] = "reconnect"


class Error(_Message):
    """Something went wrong; `message` is a sentence for the person. `final` means that the call is over."""

    type: Literal["error"] = "error"
    code: str
    message: str
    final: bool = False


class Text(_Message):
    """The person types instead of speaking."""

    type: Literal["text"] = "text"
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_CHARS)]


class Start(_Message, CallOptions):
    """First on a WebSocket, if at all: how sound is carried, and what this call chooses for itself.

    `resume` goes on with the conversation that the WebSocket's address names.
    """

    type: Literal["start"] = "start"
    audio: AudioFormat = AudioFormat()
    resume: Annotated[str, StringConstraints(max_length=MAX_TOKEN_CHARS)] = ""


class Played(_Message):
    """The client's speaker has played `ms` of answer number `reply`; history then ends there if it is interrupted."""

    type: Literal["played"] = "played"
    reply: NonNegativeInt
    ms: NonNegativeFloat


class Heard(_Message):
    """The gap as the caller heard it: `gap_ms` from the end of their voice to the first sound of answer `reply`."""

    type: Literal["heard"] = "heard"
    reply: NonNegativeInt
    gap_ms: NonNegativeFloat


class Interrupt(_Message):
    """The person wants the agent to stop talking."""

    type: Literal["interrupt"] = "interrupt"


class HangUp(_Message):
    """The person ends the call."""

    type: Literal["hangup"] = "hangup"


class Ping(_Message):
    """Either side asks whether the other is there; `t` comes back unchanged."""

    type: Literal["ping"] = "ping"
    t: FiniteFloat = 0


class Pong(_Message):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"
    t: FiniteFloat = 0


ServerMessage = (
    Hello | State | Transcription | Response | Audio | Interrupted | Metrics | Reconnect | Error | Ping | Pong
)
ClientMessage = Start | Text | Played | Heard | Interrupt | HangUp | Ping | Pong

_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])


def parse_client(data: str | bytes) -> ClientMessage:
    """Read a client's message; raises PeerError that says what is wrong with it."""
    try:
        return _CLIENT.validate_json(data)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        wrong = "there is no such type" if first["type"] == "union_tag_invalid" else first["msg"]
        raise PeerError(f"not a message of this protocol: {where + ': ' if where else ''}{wrong}") from exc
