"""SessionConfig: the session object of the OpenAI Realtime API, what a client changes in it, and what it means for us.

Pure. The object is kept as JSON, because clients read it back as they wrote it. What has no meaning here (such as
tracing, noise reduction and truncation) is kept and returned, and changes nothing.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.call.messages import AudioFormat
from server.call.options import Choices
from signaling.openai.formats import OPENAI_VOICES, OUR_FORMATS, function_tool
from signaling.openai.refused import Refused, refusal

PCM_RATE = 24_000
"""The only rate of audio/pcm, as OpenAI's documentation has it."""
MAX_SESSION_CHARS = 100_000
"""How long the session object may get. OpenAI's limit for instructions alone is 16,384 tokens."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class _Format(_Part):
    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: Literal[24000] | None = None


class _TurnDetection(_Part):
    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    prefix_padding_ms: Annotated[int, Field(ge=0)] = 300
    silence_duration_ms: Annotated[int, Field(ge=0)] = 500
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: int | None = None


class _Transcription(_Part):
    model: str | None = None
    language: Annotated[str, Field(max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$")] | None = None
    prompt: str | None = None


class _Input(_Part):
    format: _Format | None = None
    transcription: _Transcription | None = None
    turn_detection: _TurnDetection | None = None


class _Voice(_Part):
    id: str


class _Output(_Part):
    format: _Format | None = None
    voice: Annotated[str, Field(max_length=100)] | _Voice | None = None
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None


class _Audio(_Part):
    heard: _Input | None = Field(default=None, alias="input")
    spoken: _Output | None = Field(default=None, alias="output")


class _Tool(_Part):
    type: Literal["function", "mcp"]
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Patch(_Part):
    """What `session.update` may change. Fields that are not here are kept as they come."""

    type: Literal["realtime", "transcription"] = "realtime"
    model: Annotated[str, Field(max_length=200)] | None = None
    instructions: str | None = None
    output_modalities: Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=1)] | None = None
    audio: _Audio | None = None
    tools: list[_Tool] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=100_000)] | Literal["inf"] | None = None


_VAD: Mapping[str, Any] = {
    "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
    "idle_timeout_ms": None, "create_response": True, "interrupt_response": True,
}  # fmt: skip
_SEMANTIC: Mapping[str, Any] = {
    "type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True,
}  # fmt: skip
_MAY_BE_NULL = frozenset("turn_detection transcription noise_reduction tracing prompt include reasoning".split())
_PCM: Mapping[str, Any] = {"type": "audio/pcm", "rate": PCM_RATE}

_PATIENCE: Mapping[str, str] = {"high": "quick", "medium": "normal", "auto": "normal", "low": "patient"}
"""The patience of our endpoint for each `eagerness`. Its waits are 2, 4 and 8 s at most at OpenAI."""


class SessionConfig:
    """The session object of one client."""

    def __init__(
        self, session_id: str, model: str = "", kind: Literal["realtime", "transcription"] = "realtime"
    ) -> None:
        sound_in = {"format": dict(_PCM), "transcription": None, "noise_reduction": None, "turn_detection": dict(_VAD)}
        self._object: dict[str, Any] = {
            "type": kind, "object": f"realtime.{'session' if kind == 'realtime' else 'transcription_session'}",
            "id": session_id, "model": model, "output_modalities": ["audio"], "instructions": "", "tools": [],
            "tool_choice": "auto", "max_output_tokens": "inf", "tracing": None, "truncation": "auto", "prompt": None,
            "expires_at": 0, "include": None,
            "audio": {"input": sound_in, "output": {"format": dict(_PCM), "voice": "", "speed": 1.0}},
        }  # fmt: skip

    def update(self, given: Mapping[str, Any]) -> None:
        """Change what is given, and nothing else. Raises Refused, and then nothing is changed."""
        try:
            patch = _Patch.model_validate(given).model_dump(
                mode="json", exclude_unset=True, by_alias=True, exclude={"id", "object"}
            )
        except ValidationError as exc:
            refused = refusal(exc)
            raise Refused(refused.message, refused.code, f"session.{refused.param}") from exc
        changed = _merged(self._object, patch)
        if len(str(changed)) > MAX_SESSION_CHARS:
            raise Refused(f"The session may have {MAX_SESSION_CHARS} characters at most.", param="session")
        before, self._object = self._object, changed
        try:
            Choices.model_validate(self.choices)
        except ValidationError as exc:
            self._object = before
            refused = refusal(exc)
            raise Refused(refused.message, refused.code, f"session.{refused.param}") from exc

    @property
    def object(self) -> dict[str, Any]:
        """The session object, as the client is told."""
        return deepcopy(self._object)

    @property
    def transcribes_only(self) -> bool:
        return bool(self._object["type"] == "transcription")

    @property
    def tells_words(self) -> bool:
        """The client wants to know what the caller says."""
        return self.transcribes_only or self._input["transcription"] is not None

    @property
    def speaks(self) -> bool:
        """The client wants sound, and not text alone."""
        return bool(self._object["output_modalities"] == ["audio"])

    @property
    def modalities(self) -> list[str]:
        return list(self._object["output_modalities"])

    @property
    def detects_turns(self) -> bool:
        """We decide when the caller is done. Otherwise the client commits what was said."""
        return self._input["turn_detection"] is not None

    @property
    def answers(self) -> bool:
        """What the caller has said is answered without being asked for it."""
        turns = self._input["turn_detection"]
        return not self.transcribes_only and turns is not None and turns["create_response"]

    @property
    def output(self) -> dict[str, Any]:
        """How responses sound, as a response tells."""
        return {"format": self._object["audio"]["output"]["format"], "voice": self._voice}

    @property
    def max_output_tokens(self) -> int | str:
        most: int | str = self._object["max_output_tokens"]
        return most

    @property
    def heard_format(self) -> AudioFormat:
        return OUR_FORMATS[self._input["format"]["type"]]

    @property
    def spoken_format(self) -> AudioFormat:
        return OUR_FORMATS[self._object["audio"]["output"]["format"]["type"]]

    @property
    def choices(self) -> dict[str, Any]:
        """What our session is to know of it, by the names of our own protocol (`Choices`)."""
        mine, turns, words = self._object, self._input["turn_detection"], self._input["transcription"]
        tools = [function_tool(each) for each in mine["tools"] if each["type"] == "function"]
        most, name = mine["max_output_tokens"], self._voice
        patience = _PATIENCE[turns["eagerness"]] if turns is not None and turns["type"] == "semantic_vad" else ""
        return {
            "instructions": mine["instructions"],
            "tools": tools if mine["tool_choice"] != "none" else [],
            "temperature": mine.get("temperature"),
            "max_tokens": most if isinstance(most, int) else None,
            "voice": "" if name in OPENAI_VOICES else name,
            "language": (words or {}).get("language") or "",
            "patience": patience,
            "turns": "auto" if turns is not None else "manual",
            "answers": "auto" if self.answers else "asked",
        }

    @property
    def _voice(self) -> str:
        voice = self._object["audio"]["output"]["voice"]
        return str(voice["id"] if isinstance(voice, dict) else voice)

    @property
    def _input(self) -> dict[str, Any]:
        found: dict[str, Any] = self._object["audio"]["input"]
        return found


def _merged(session: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The session with what the patch has. A null is only kept where it means something."""
    merged, given = deepcopy(dict(session)), deepcopy(dict(patch))
    audio = given.pop("audio", None) or {}
    for way in ("input", "output"):
        merged["audio"][way] |= _meant({name: _whole(name, value) for name, value in (audio.get(way) or {}).items()})
    return merged | _meant(given)


def _meant(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}


def _whole(name: str, value: Any) -> Any:
    """What is replaced as a whole, with its defaults."""
    if name == "turn_detection" and value is not None:
        return {**(_VAD if value.get("type", "server_vad") == "server_vad" else _SEMANTIC), **value}
    if name == "format" and value is not None:
        return dict(_PCM) if value["type"] == "audio/pcm" else {"type": value["type"]}
    return value
