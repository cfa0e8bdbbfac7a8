"""The messages between a session and its client: one class for each. On every kind of connection they are JSON objects.

Server to client: Hello, State, Transcription, Response, Audio, Interrupted, Metrics, Agent, Transfer, Reconnect, Error,
Ping, Pong. Client to server: Start (on a WebSocket), Text, Dtmf, Played, Heard, Interrupt, HangUp, Transferred,
Ping, Pong. Those about what the agent says, knows and does beside that are in agent_messages.py.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    FiniteFloat,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from server.call.agent_messages import FromAgent, ToAgent, Usage
from server.call.message import Message
from server.call.options import CallRequest
from server.errors import PeerError

MAX_TEXT_CHARS = 2_000
"""The longest typed message. A minute of speech has about 1,000 characters."""
MAX_TOKEN_CHARS = 128
MAX_REASON_CHARS = 200
MAX_REPLY = 2**31 - 1
MAX_PLAYED_MS = 24 * 3_600_000
"""How long a reply can be: no call lasts a day."""
MAX_GAP_MS = 600_000
"""The longest gap that can be reported. A caller has hung up long before."""
MAX_T = 2.0**53
"""The largest `t` of a ping. It may be a time in ms or in ns; larger whole numbers are not exact in JSON."""

ReplyNumber = Annotated[int, Field(ge=0, le=MAX_REPLY)]
Tag = Annotated[FiniteFloat, Field(ge=-MAX_T, le=MAX_T)]


class AudioFormat(Message):
    """The format of the sound in the binary frames of a WebSocket.

    pcm16: signed 16-bit little-endian mono. opus: each frame is one packet (RFC 6716), and sample_rate is the rate to
    which it is decoded. pcmu, pcma: G.711, at 8000 only.
    """

    encoding: Literal["pcm16", "opus", "pcmu", "pcma"] = "pcm16"
    sample_rate: Literal[8000, 16000, 24000, 48000] = 16000

    @model_validator(mode="before")
    @classmethod
    def _mono(cls, value: Any) -> Any:
        """Two channels that are taken for one would be words at half the speed."""
        if isinstance(value, dict) and value.get("channels", 1) != 1:
            raise ValueError("the sound has to be mono: channels can only be 1")
        return value

    @model_validator(mode="after")
    def _telephone_rate(self) -> "AudioFormat":
        if self.encoding in ("pcmu", "pcma") and self.sample_rate != 8000:
            raise ValueError(f"{self.encoding} has a sample_rate of 8000")
        return self


class Hello(Message):
    """The first message on every connection: which session this is, and which agent answers.

    `resume` is the secret that continues this conversation on another connection. Each secret is good for one.
    `resumed` tells that this connection continues a conversation. `audio` is the format of the sound in both
    directions, where the connection itself has not agreed on one. `recorded` tells that the sound is recorded.
    """

    type: Literal["session"] = "session"
    session_id: str
    agent: str
    resume: str = ""
    resumed: bool = False
    audio: AudioFormat | None = None
    recorded: bool = False


class State(Message):
    """Who has the floor."""

    type: Literal["state"] = "state"
    state: Literal["listening", "hearing", "thinking", "speaking", "overlap", "closed"]


class Transcription(Message):
    """What the caller has said so far in utterance number `utterance`. It replaces earlier text of the same number.

    A final message with empty text withdraws the utterance: it was a noise. `pause_ms` comes with the final words of
    speech: how long the caller's voice had been silent by then.
    """

    type: Literal["transcription"] = "transcription"
    utterance: int
    text: str
    final: bool
    pause_ms: int | None = None


class Response(Message):
    """What the caller has heard so far of reply number `reply`. It replaces earlier text of the same number.

    `final` comes once for each reply, with `usage` where the provider tells it. `interrupted` tells that the caller cut
    in. `tools` names the tools that ran.
    """

    type: Literal["response"] = "response"
    reply: int
    text: str
    final: bool
    interrupted: bool = False
    tools: list[str] = Field(default_factory=list)
    usage: Usage | None = None


class Audio(Message):
    """The binary frames that follow on this WebSocket belong to reply number `reply`."""

    type: Literal["audio"] = "audio"
    reply: int


class Interrupted(Message):
    """Reply number `reply` is over. The client has to drop at once what it has buffered of it."""

    type: Literal["interrupted"] = "interrupted"
    reply: int


class Metrics(Message):
    """The stages of one exchange in ms, from the last frame with a voice. None where a stage was not reached.

    endpoint: until the floor decided that the caller is done. transcript: until the words were final.
    first_token: until the model's first text. first_clause: until the first clause went to text-to-speech.
    first_packet: until the reply's first packet was sent. This is the gap as the server sees it.
    attempts: how many replies were begun for the utterance; more than one when the caller paused and went on.
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
        """All stages on one line, for the log."""
        stages = self.model_dump(exclude={"type", "reply"}, exclude_none=True)
        return f"reply={self.reply} " + " ".join(f"{stage}={ms:.0f}" for stage, ms in stages.items())


class Agent(Message):
    """Another agent has taken the call over: its name."""

    type: Literal["agent"] = "agent"
    agent: str


class Transfer(Message):
    """The client is to transfer the call to the person at `to`, a telephone number or an address, and may tell `note`.

    It answers with `transferred`. The call goes on until then. Only a client that has said `transfers` gets this.
    """

    type: Literal["transfer"] = "transfer"
    to: str
    note: str = ""


class Reconnect(Message):
    """This server stops. Connect again with the newest `resume`, and the conversation continues."""

    type: Literal["reconnect"] = "reconnect"


class Error(Message):
    """Something went wrong. `message` is a sentence for the caller. `final` means that the call is over."""

    type: Literal["error"] = "error"
    code: str
    message: str
    final: bool = False
    ref: str | None = None
    """The `ref` of the client's message that is refused, if it had one."""


class Text(Message):
    """The caller types instead of speaking."""

    type: Literal["text"] = "text"
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_CHARS)]


class Dtmf(Message):
    """The caller has pressed a key of the telephone (RFC 4733)."""

    type: Literal["dtmf"] = "dtmf"
    digit: Annotated[str, StringConstraints(pattern=r"^[0-9*#A-D]$")]


class Start(Message, CallRequest):
    """The first message on a WebSocket, if the client sends one: the format of the sound, and the caller's choices.

    With `resume` the client goes on with the conversation that the WebSocket's address names. Other fields are for the
    agent.
    """

    type: Literal["start"] = "start"
    audio: AudioFormat = AudioFormat()
    resume: Annotated[str, StringConstraints(max_length=MAX_TOKEN_CHARS)] = ""


class Played(Message):
    """The client has played `ms` of reply number `reply`. If the reply is interrupted, the history ends there."""

    type: Literal["played"] = "played"
    reply: ReplyNumber
    ms: Annotated[FiniteFloat, Field(ge=0, le=MAX_PLAYED_MS)]


class Heard(Message):
    """The gap that the caller heard: `gap_ms` from the end of the caller's voice to the first sound of `reply`."""

    type: Literal["heard"] = "heard"
    reply: ReplyNumber
    gap_ms: Annotated[FiniteFloat, Field(ge=0, le=MAX_GAP_MS)]


class Interrupt(Message):
    """The caller wants the agent to stop talking."""

    type: Literal["interrupt"] = "interrupt"


class HangUp(Message):
    """The caller ends the call."""

    type: Literal["hangup"] = "hangup"


class Transferred(Message):
    """What became of a transfer: `ok` ends the call here. Otherwise `reason` is for the agent, which goes on."""

    type: Literal["transferred"] = "transferred"
    ok: bool
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_REASON_CHARS)] = ""


class Ping(Message):
    """Either side asks whether the other one is there. The other one sends `t` back unchanged."""

    type: Literal["ping"] = "ping"
    t: Tag = 0


class Pong(Message):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"
    t: Tag = 0


ServerMessage = (
    Hello | State | Transcription | Response | Audio | Interrupted | Metrics | Agent | Transfer | FromAgent | Reconnect
    | Error | Ping | Pong
)  # fmt: skip
ClientMessage = Start | Text | Dtmf | Played | Heard | Interrupt | HangUp | Transferred | ToAgent | Ping | Pong

_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_SERVER: TypeAdapter[ServerMessage] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])


def parse_server(data: str) -> ServerMessage:
    """Read a message of ours again, for a client of another protocol. Raises ValidationError if it is none."""
    return _SERVER.validate_json(data)


def parse_client(data: str | bytes) -> ClientMessage:
    """Read a client's message. Raises PeerError, which says what is wrong with the message."""
    try:
        return _CLIENT.validate_json(data)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        wrong = "there is no such type" if first["type"] == "union_tag_invalid" else first["msg"]
        raise PeerError(f"not a message of this protocol: {where + ': ' if where else ''}{wrong}") from exc
