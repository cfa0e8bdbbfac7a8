"""RealtimeTranslator: lets a client of the OpenAI Realtime API (GA) speak with a session of ours. Pure.

`read` carries out what the client asks for, and `write` tells it what happens. What our session does and OpenAI's does
not is told in the nearest words of theirs: a line that the agent says unasked is a response that nobody has created.
"""

import base64
import binascii
from collections.abc import Collection, Sequence
from typing import Any

from server.call.agent_messages import Answered
from server.call.line.translator import Read
from server.call.messages import (
    Audio,
    Error,
    Hello,
    Interrupted,
    Reconnect,
    Response,
    ServerMessage,
    State,
    Transcription,
)
from server.pace import Pace
from signaling.openai.outgoing import Outgoing
from signaling.openai.refused import Refused, event_id_of, read_json
from signaling.openai.told import Told, cause_of
from signaling.openai.way import UPDATES_A_SECOND, UPDATES_AT_ONCE, Way
from signaling.realtime.beside import Beside
from signaling.realtime.context import question_of
from signaling.realtime.heard import Heard
from signaling.realtime.items import Items
from signaling.realtime.requests import (
    Append,
    CancelResponse,
    Clear,
    ClearOutput,
    ClientEvent,
    Commit,
    CreateItem,
    CreateResponse,
    DeleteItem,
    RetrieveItem,
    SessionUpdate,
    TruncateItem,
    Wanted,
    read_event,
)
from signaling.realtime.session_config import OF_THE_AGENT, SessionConfig
from signaling.realtime.speaking import Speaking

PIECE_MS = 100
"""The sound of one message is handed on in pieces of this length, so that a whole file waits outside the call."""
ANSWER_THIS = "Answer only what follows, and not what was said before."
"""Begins the instructions of a response that has an input of its own."""
SHORTEST_COMMIT_MS = 100
"""OpenAI refuses to commit less."""


class RealtimeTranslator:
    """One client."""

    def __init__(self, way: Way, config: SessionConfig, later: Collection[str] = ()) -> None:
        """`later` are the choices of the session that ours has to be told as soon as it runs."""
        self._way = way
        self._config = config
        self._out = Outgoing(way.nonce)
        self._items = Items()
        self._told = Told()
        """What our session is told."""
        self._later = [name for name in config.choices if name in later]
        self._heard = Heard(self._out, self._items)
        self._beside = Beside(self._out, self._items)
        self._speaking = Speaking(self._out, self._items, way, config)
        self._follow_config()
        self._uncommitted_ms = 0.0
        self._begun_ms = way.now_ms()
        self._updates = Pace(UPDATES_A_SECOND, UPDATES_AT_ONCE)
        self._state = "listening"
        self._overlap_ms = 0.0

    # What the client says

    def read(self, item: str | bytes) -> Read:
        return self._read(item, watches=False)

    def read_watcher(self, item: str | bytes) -> Read:
        return self._read(item, watches=True)

    def _read(self, item: str | bytes, watches: bool) -> Read:
        event_id = None
        try:
            given = read_json(item)
            event_id = event_id_of(given)
            self._told.event_id = event_id
            self._carry_out(read_event(given), watches)
        except Refused as refused:
            self._out.error(refused, event_id)
        return Read(self._told.take(), self._out.take())

    def _carry_out(self, event: ClientEvent, watches: bool) -> None:
        match event:
            case Append():
                if watches:
                    raise Refused("Only the client itself sends the sound of the caller.", "invalid_value", "type")
                self._append(event.audio)
            case SessionUpdate(session=session):
                self._update(session)
            case CreateItem():
                self._create(event)
            case RetrieveItem(item_id=item_id):
                self._out.event("conversation.item.retrieved", item=self._items.get(item_id, "retrieve"))
            case DeleteItem(item_id=item_id):
                self._items.delete(item_id)
                self._told.forget(item_id)
                self._out.event("conversation.item.deleted", item_id=item_id)
            case TruncateItem():
                self._told.extend(self._speaking.truncate(event))
            case CreateResponse(response=wanted):
                self._respond(wanted)
            case CancelResponse(response_id=response_id):
                self._told.extend(self._speaking.cancel(response_id))
            case ClearOutput():
                self._told.extend(self._speaking.clear())
            case Commit():
                self._commit()
            case Clear():
                self._uncommitted_ms = 0.0
                self._told.say({"type": "clear"})
                self._out.event("input_audio_buffer.cleared")

    def _append(self, audio: str) -> None:
        """Hand the sound on, in pieces."""
        if self._way.on_webrtc:
            raise Refused("On WebRTC the sound comes by the media track.", "invalid_value", "type")
        try:
            sound = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise Refused("The sound has to be base64.", "invalid_value", "audio") from exc
        form = self._config.heard_format
        bytes_a_ms = form.sample_rate // 1000 * (2 if form.encoding == "pcm16" else 1)
        piece = bytes_a_ms * PIECE_MS
        for at in range(0, len(sound), piece):
            self._told.sound(sound[at : at + piece])
        self._uncommitted_ms += len(sound) / bytes_a_ms

    def _update(self, session: dict[str, Any]) -> None:
        if not self._updates.admits(self._way.now_ms() / 1000):
            raise Refused("The session is changed too often.", "rate_limit_exceeded", "session")
        before = self._config.choices
        formats = self._config.heard_format, self._config.spoken_format
        self._config.update(session)
        self._follow_config()
        self._out.event("session.updated", session=self._config.object)
        if (now := (self._config.heard_format, self._config.spoken_format)) != formats:
            self._way.reformat(*now)
        changed = {name: value for name, value in self._config.choices.items() if value != before[name]}
        for names in (OF_THE_AGENT, before.keys() - OF_THE_AGENT):  # not every agent takes all of them
            if part := {name: changed[name] for name in names if name in changed}:
                self._told.say({"type": "update", **part})

    def _follow_config(self) -> None:
        self._heard.live, self._heard.detects = self._config.transcribes_only, self._config.detects_turns

    def _create(self, event: CreateItem) -> None:
        item = self._told.vet(event.item)
        made = {
            "id": item.id or self._out.new_id("item"), "object": "realtime.item", "status": "completed",
            **item.model_dump(exclude_none=True, exclude={"id", "content"}),
        }  # fmt: skip
        if item.type == "message":
            made["content"] = [part.model_dump(exclude_none=True, exclude={"audio"}) for part in item.content]
        before = self._items.add(made, event.previous_item_id)
        self._out.event("conversation.item.added", previous_item_id=before, item=made)
        self._out.event("conversation.item.done", previous_item_id=before, item=made)
        awaited = item.type == "function_call_output" and self._speaking.returned(item.call_id or "")
        self._told.item(item, made["id"], awaited, self._items.later(made["id"]))

    def _respond(self, wanted: Wanted) -> None:
        if self._config.transcribes_only:
            raise Refused("A transcription session has no responses.", "invalid_value", "type")
        if wanted.conversation == "none":
            ask = self._beside.create(wanted)
            if ask["history"]:
                self._told.note_waiting()  # it is in the conversation
            self._told.say(ask, ask["id"])
            return
        instructions = wanted.instructions
        if wanted.context:  # it is for this response alone, as its instructions are
            instructions = f"{ANSWER_THIS}\n{question_of(instructions, wanted.context, self._items)}"
        if self._speaking.create(wanted, asks=self._told.waits):
            return  # the reply that has called a function goes on
        for text, item_id in self._told.ask(instructions, self._speaking.response_id):
            self._heard.type(text, item_id)

    def _commit(self) -> None:
        if self._uncommitted_ms < SHORTEST_COMMIT_MS and not self._way.on_webrtc:
            raise Refused(
                f"The input audio buffer has {self._uncommitted_ms:.0f} ms, and at least {SHORTEST_COMMIT_MS} ms are "
                "needed.",
                "input_audio_buffer_commit_empty",
            )
        self._uncommitted_ms = 0.0
        self._heard.committing = True
        self._told.note_waiting()  # it was said before the sound
        self._told.say({"type": "commit"})

    # What our session says

    @property
    def only_reads(self) -> bool:
        return self._speaking.writes

    def present(self) -> Sequence[str | bytes]:
        """The session as it is, for one who watches the call."""
        self._out.event("session.created", session=self._config.object)
        return self._out.take()

    def write(self, message: ServerMessage) -> Sequence[str | bytes]:
        if self._later and not isinstance(message, Hello):  # our session runs
            later, self._later = self._later, []
            for name in later:
                self._told.say({"type": "update", name: self._config.choices[name]})
            self._way.tell(self._told.take())
        match message:
            case Hello():
                self._greet(message)
            case State(state=state):
                self._turn(state)
            case Transcription(utterance=number, text=text, final=final):
                self._heard.words(number, text, final, self._now_ms, self._config.tells_words)
            case Audio(reply=reply):
                self._speaking.sounds(reply)
            case Response():
                self._speaking.caption(message)
            case Interrupted(reply=reply):
                if self._state == "overlap":  # by the caller's voice
                    self._heard.start(self._overlap_ms)
                self._speaking.interrupted(by_voice=self._state == "overlap")
            case Error():
                self._fail(message)
            case Reconnect():
                self._out.failure("server_error", "reconnect", "This server stops. Connect again to go on.")
            case Answered(id=response_id, text=text, ok=ok):
                self._beside.answered(response_id, text, ok)
            case _:
                self._speaking.called(message)
        return self._out.take()

    def _fail(self, error: Error) -> None:
        response_id, event_id = cause_of(error.ref)
        self._out.failed(error.code, error.message, event_id)
        self._beside.answered(response_id, "", ok=False)
        self._speaking.refused(response_id)

    def say(self, sound: bytes) -> Sequence[str | bytes]:
        self._speaking.say(sound)
        return self._out.take()

    def _greet(self, hello: Hello) -> None:
        """Tell the client of the session, and how it comes back to the conversation when the connection is lost."""
        own = {
            "session_id": hello.session_id, "resume": hello.resume, "agent": hello.agent, "resumed": hello.resumed,
            "recorded": hello.recorded,
        }  # fmt: skip
        self._out.event("session.created", session={**self._config.object, "antiphon": own})
        if not self._way.on_webrtc:
            self._way.reformat(self._config.heard_format, self._config.spoken_format)
        if hello.resumed:
            self._later = []

    def _turn(self, state: str) -> None:
        before, self._state = self._state, state
        if state == "overlap" and before != "overlap":
            self._overlap_ms = self._now_ms
        elif state == "hearing":
            self._heard.start(self._overlap_ms if before == "overlap" else self._now_ms)
        elif state == "thinking":
            self._heard.stop(self._now_ms)
            if self._heard.unanswered:
                self._speaking.expect()
            self._heard.unanswered = False
        elif state in ("listening", "closed"):
            self._heard.withdraw(self._now_ms)
            self._speaking.rest()

    @property
    def _now_ms(self) -> float:
        """Where the sound of the caller is, in ms since it began."""
        return self._way.now_ms() - self._begun_ms if self._way.on_webrtc else self._way.heard_ms()
