"""SessionConfig: the session object of the OpenAI Realtime API, what a client changes in it, and what it means for us.

Pure. The object is kept as JSON, because clients read it back as they wrote it. What has no meaning here (such as
tracing, noise reduction and truncation) is kept and returned, and changes nothing.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from server.call.messages import AudioFormat
from server.call.options import Choices
from signaling.openai.formats import OPENAI_VOICES, OUR_FORMATS, function_tool
from signaling.openai.refused import Refused, refusal
from signaling.realtime.session_object import Patch

PCM_RATE = 24_000
"""The only rate of audio/pcm, as OpenAI's documentation has it."""
MAX_SESSION_CHARS = 100_000
"""How long the session object may get. OpenAI's limit for instructions alone is 16,384 tokens."""
Kind = Literal["realtime", "transcription"]
_OBJECTS: Mapping[str, str] = {"realtime": "realtime.session", "transcription": "realtime.transcription_session"}
OF_THE_AGENT = frozenset({"instructions", "tools"})
"""What only agents take that let clients decide what they say."""
_FIXED = frozenset({"id", "object", "expires_at", "client_secret", "antiphon"})
"""What a client does not write. Some send back what they were told."""

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


_P = TypeVar("_P", bound=BaseModel)


class SessionConfig:
    """The session object of one client."""

    def __init__(self, session_id: str, model: str = "", kind: Kind = "realtime", expires_s: int = 0) -> None:
        """`expires_s` is when the session ends at the latest, in Unix seconds."""
        sound_in = {"format": dict(_PCM), "transcription": None, "noise_reduction": None, "turn_detection": dict(_VAD)}
        self._object: dict[str, Any] = {
            "type": kind, "object": _OBJECTS[kind], "id": session_id, "model": model, "output_modalities": ["audio"],
            "instructions": "", "tools": [], "tool_choice": "auto", "max_output_tokens": "inf",
            "tracing": None, "truncation": "auto", "prompt": None, "expires_at": expires_s, "include": None,
            "audio": {"input": sound_in, "output": {"format": dict(_PCM), "voice": "", "speed": 1.0}},
        }  # fmt: skip

    def update(self, given: Mapping[str, Any]) -> None:
        """Change what is given, and nothing else. Raises Refused, and then nothing is changed."""
        patch = _read(Patch, given).model_dump(mode="json", exclude_unset=True, by_alias=True, exclude=set(_FIXED))
        changed = _merged(self._object, patch)
        changed["object"] = _OBJECTS[changed["type"]]
        if len(str(changed)) > MAX_SESSION_CHARS:
            raise Refused(f"The session may have {MAX_SESSION_CHARS} characters at most.", param="session")
        before, self._object = self._object, changed
        try:
            _read(Choices, self.choices)
        except Refused:
            self._object = before
            raise

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


def _read(kind: type[_P], given: Any) -> _P:
    """Raises Refused, which names what is wrong with the session."""
    try:
        return kind.model_validate(given)
    except ValidationError as exc:
        refused = refusal(exc, given)
        param = "session" if refused.param is None else f"session.{refused.param}"
        raise Refused(refused.message, refused.code, param) from exc


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
        given = {field: each for field, each in value.items() if each is not None}
        return {**(_VAD if value.get("type", "server_vad") == "server_vad" else _SEMANTIC), **given}
    if name == "format" and value is not None:
        return dict(_PCM) if value["type"] == "audio/pcm" else {"type": value["type"]}
    return value
