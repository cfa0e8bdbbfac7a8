"""LiveConfig: the session object of OpenAI Live, and what it means for us. Pure.

OpenAI has two models in a session, one that speaks and one to which tasks are delegated. Here one agent does both, so
the instructions of both are its own, and the functions of the second are tools that the client runs.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal

from server.call.options import MAX_INSTRUCTIONS_CHARS
from signaling.live.session_object import (
    Audio,
    Client,
    DataChannel,
    Delegation,
    Output,
    Responses,
    Session,
    Voice,
    check_served,
    our_format,
    read,
)
from signaling.openai.formats import OPENAI_VOICES, function_tool
from signaling.openai.refused import Refused

MAX_SESSION_CHARS = 100_000
"""How long the session object may get. OpenAI's limit for instructions alone is 16,384 tokens."""
MAX_NOTES = 40
"""How many notes become of them: the inbox of a call has room for them. The oldest messages share one note."""
NOTE_CHARS = 8_000
"""How long one note may be (`MAX_NOTE_CHARS` of our own messages)."""

DELEGATE: Mapping[str, Any] = {
    "name": "delegate",
    "description": "Hands a task to the application in whose name you speak, and waits for what comes of it. Use it "
    "for all that you cannot answer from the conversation itself.",
    "parameters": {
        "type": "object",
        "properties": {"task": {"type": "string", "description": "What is to be done, with all that has to be known."}},
        "required": ["task"],
    },
}
"""The tool of the agent by which it delegates to a client that answers itself."""

Target = Literal["client", "responses"] | None
_KEPT = ("instructions", "delegation", "input", "client", "safety_identifier")
_MAY_CHANGE = frozenset({"delegation", "triggers"})


class LiveConfig:
    """The session object of one client."""

    def __init__(self, given: Any, on_webrtc: bool, begun_s: int, expires_s: int) -> None:
        """Read what a client begins with. The times are Unix seconds. Raises Refused."""
        self._session = session = read(Session, given, "session")
        sound = session.audio or Audio()
        if on_webrtc and sound.format is not None:
            raise Refused("WebRTC itself agrees on the format.", "invalid_value", "session.audio.format")
        self.audio = our_format(sound.format)
        self.begun_s = begun_s
        self.session_id = ""
        """By this the client knows the session, and whoever watches it. Our own session has another id, which stands in
        logs and webhooks."""
        self._appended: list[str] = []
        """The instructions that came after the beginning."""
        given = dict(given)
        check_served(session.delegation, session.triggers)
        about: dict[str, Any] = {name: given[name] for name in _KEPT if given.get(name) is not None}
        if session.delegation is None:
            about["delegation"] = None
        elif session.delegation.type == "responses":
            about["delegation"] = {**about["delegation"], "responses": _whole(about["delegation"], session.model)}
        heard: dict[str, Any] = {"output": {"voice": self._voice}} if self._voice else {}
        if not on_webrtc:
            rate, kind = self.audio.sample_rate, sound.format.type if sound.format else "audio/pcm"
            heard["format"] = {"type": kind, "rate": rate}
        self._object: dict[str, Any] = {
            "model": session.model, "status": "active", "expires_at": expires_s, "store": False, "audio": heard, **about
        }  # fmt: skip
        _check_size(self._object)
        _check_instructions(self._instructions)

    def update(self, given: Any) -> None:
        """Change what is given. Raises Refused, and then nothing is changed."""
        if not isinstance(given, dict):
            raise Refused("The session has to be a JSON object.", "invalid_type", "session")
        if fixed := sorted(given.keys() - _MAY_CHANGE):
            raise Refused("This cannot change after the session has begun.", "invalid_value", f"session.{fixed[0]}")
        raw = given.get("delegation")
        patch = None if raw is None else read(Delegation, raw, "session.delegation")
        check_served(patch, given.get("triggers"))
        if patch is None or raw is None:
            return
        if patch.type != self.target:
            raise Refused("The delegation cannot change its type.", "invalid_value", "session.delegation.type")
        changed, before = deepcopy(self._object), self._session
        changed["delegation"] |= {name: value for name, value in raw.items() if name not in ("type", "responses")}
        if patch.type == "responses":
            changed["delegation"]["responses"] |= raw.get("responses") or {}
        _check_size(changed)
        delegation = read(Delegation, changed["delegation"], "session.delegation")
        self._session = before.model_copy(update={"delegation": delegation})
        try:
            _check_instructions(self._instructions)
        except Refused:
            self._session = before
            raise
        self._object = changed

    def append(self, instructions: str) -> None:
        """The agent has these instructions, too, from now on. Raises Refused if they are too long together."""
        _check_instructions("\n\n".join([self._instructions, instructions]))
        self._appended.append(instructions)

    @property
    def object(self) -> dict[str, Any]:
        """The session object, as the client is told."""
        return {"id": self.session_id, **deepcopy(self._object)}

    @property
    def model(self) -> str:
        return self._session.model

    @property
    def target(self) -> Target:
        """To whom the agent delegates: to nobody if the client does not say it."""
        kind = None if self._session.delegation is None else self._session.delegation.type
        return kind if kind != "decisions" else None

    @property
    def wants_stored(self) -> bool:
        return bool(self._session.store)

    @property
    def data_channel(self) -> DataChannel:
        return (self._session.client or Client()).data_channel or DataChannel()

    @property
    def choices(self) -> dict[str, Any]:
        """What all agents take, by the names of our own protocol (`Choices`)."""
        return {
            "voice": "" if self._voice in OPENAI_VOICES else self._voice,
            "max_tokens": self._responses.max_output_tokens,
        }

    @property
    def brought(self) -> dict[str, Any]:
        """What only agents take that let clients decide what they say, by the names of our own protocol."""
        tools = [function_tool(each.model_dump()) for each in self._responses.tools or ()]
        if self.target == "client":
            tools = [deepcopy(dict(DELEGATE))]
        return {"instructions": self._instructions, "tools": [] if self._responses.tool_choice == "none" else tools}

    @property
    def notes(self) -> list[dict[str, Any]]:
        """The messages of our own protocol that bring the history."""
        said = [(each.role, each.content[0].text.strip()) for each in self._session.history or ()]
        said = [(role, text) for role, text in said if text]
        early, late = said[: max(0, len(said) - MAX_NOTES)], said[-MAX_NOTES:]
        notes = [_note(role, text) for role, text in late]
        if early:
            notes.insert(0, _note("user", "\n".join(f"{role}: {text}" for role, text in early)[-NOTE_CHARS:]))
        return notes

    @property
    def _instructions(self) -> str:
        parts = [self._session.instructions, self._responses.instructions, *self._appended]
        return "\n\n".join(part.strip() for part in parts if part and part.strip())

    @property
    def _responses(self) -> Responses:
        delegation = self._session.delegation
        return (delegation.responses if delegation is not None else None) or Responses()

    @property
    def _voice(self) -> str:
        voice = ((self._session.audio or Audio()).output or Output()).voice
        return voice.id if isinstance(voice, Voice) else voice or ""


def _check_size(about: Mapping[str, Any]) -> None:
    if len(str(about)) > MAX_SESSION_CHARS:
        raise Refused(f"The session may have {MAX_SESSION_CHARS} characters at most.", param="session")


def _check_instructions(text: str) -> None:
    if len(text) > MAX_INSTRUCTIONS_CHARS:
        raise Refused(f"All instructions together may have {MAX_INSTRUCTIONS_CHARS} characters.", param="session")


def _whole(delegation: Mapping[str, Any], model: str) -> dict[str, Any]:
    """What is delegated to. The same agent does it, whatever model is named."""
    return {"model": model, **(delegation.get("responses") or {})}


def _note(role: str, text: str) -> dict[str, Any]:
    return {"type": "note", "role": "system" if role == "developer" else role, "text": text[:NOTE_CHARS]}
