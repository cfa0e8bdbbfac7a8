"""LiveTranslator: lets a client of OpenAI Live speak with a session of ours. Pure.

There is less to translate than for the Realtime API: here, too, the server decides who speaks when, and the client is
told words with times. What it is not told are turns, items and responses.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from server.call.agent_messages import MAX_LINE_CHARS, ToolCall, ToolCancelled
from server.call.line.translator import Read
from server.call.messages import Audio, Error, Hello, Reconnect, Response, ServerMessage, State, Transcription
from server.pace import Pace
from signaling.live.delegations import Delegations
from signaling.live.requests import (
    AppendAudio,
    AppendCommentary,
    AppendInstructions,
    AppendThinking,
    ClientEvent,
    Close,
    CreateItem,
    CreateResponse,
    MuteAudio,
    Start,
    UnmuteAudio,
    Update,
    read_event,
)
from signaling.live.session_config import LiveConfig
from signaling.live.transcripts import Transcripts
from signaling.openai.outgoing import Outgoing
from signaling.openai.refused import Refused, event_id_of, read_json
from signaling.openai.told import Told, cause_of
from signaling.openai.way import UPDATES_A_SECOND, UPDATES_AT_ONCE, Way

MAX_EARLY = 64
"""How many events who watches may send before the page has connected."""
PIECE_MS = 100
"""The sound of one message is handed on in pieces of this length, so that a whole file waits outside the call."""


class LiveTranslator:
    """One client."""

    def __init__(self, way: Way, config: LiveConfig) -> None:
        self._way = way
        self._config = config
        self._begun_ms = way.now_ms()
        self._out = Outgoing(way.nonce, "client_event_id")
        self._told = Told()
        """What our session is told."""
        self._transcripts = Transcripts(self._out, self._lasted_ms)
        self._delegations = Delegations(self._out, self._told, config, self._lasted_ms)
        self._started = False
        self._closed = False
        self._running = False
        """Our session runs: it drops what it is told before."""
        self._owing: list[str | bytes] = []
        """What our session has to be told as soon as it runs."""
        self._early: list[str | bytes] = []
        """What who watches has said before."""
        self._reason = "remote_hangup"
        """Why the session ends, if it ends now."""
        self._updates = Pace(UPDATES_A_SECOND, UPDATES_AT_ONCE)
        self._state = ""
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
            if not self._running and len(self._early) >= MAX_EARLY:
                raise Refused("Too much was said before the session runs.", "too_many")
            self._told.event_id = event_id
            self._carry_out(read_event(given), event_id, watches)
        except Refused as refused:
            self._out.error(refused, event_id)
        told = self._told.take()
        if not self._running:
            self._early += [each for each in told if isinstance(each, str)]
            told = [each for each in told if isinstance(each, bytes)]
        return Read(told, self._out.take())

    def _carry_out(self, event: ClientEvent, event_id: str | None, watches: bool) -> None:
        match event:
            case AppendAudio(audio=audio):
                if watches or self._way.on_webrtc:
                    raise Refused("Only who has begun a session on a WebSocket sends its sound.", param="type")
                self._append_audio(audio)
            case Start():
                raise Refused("The session has started already.", param="type")
            case Update(session=session):
                self._update(session, event_id)
            case MuteAudio():
                self._told.say({"type": "mute", "on": True})
                self._acknowledge("session.input_audio.muted", event_id)
            case UnmuteAudio():
                self._told.say({"type": "mute", "on": False})
                self._acknowledge("session.input_audio.unmuted", event_id)
            case AppendInstructions(content=content):
                self._config.append(content)
                self._told.say({"type": "update", "instructions": self._config.brought["instructions"]})
                self._append("instructions", event_id)
            case AppendThinking(content=content, delegation_id=delegation_id):
                if delegation_id is None:
                    self._told.say({"type": "note", "role": "system", "text": content})
                else:
                    self._delegations.think(delegation_id, content)
                self._append("thinking", event_id)
            case AppendCommentary(content=content, delegation_id=delegation_id):
                if delegation_id is None:
                    self._told.extend([{"type": "say", "text": line} for line in _lines(content)])
                else:
                    self._delegations.answer(delegation_id, content)
                self._append("commentary", event_id)
            case CreateItem():
                self._create_item(event)
            case CreateResponse():
                self._create_response(event_id)
            case Close():
                self._reason = "close_requested"
                self._told.say({"type": "hangup"})

    def _append_audio(self, audio: str) -> None:
        """Hand the sound on, in pieces."""
        try:
            sound = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise Refused("The sound has to be base64.", param="audio") from exc
        form = self._config.audio
        piece = form.sample_rate // 1000 * (2 if form.encoding == "pcm16" else 1) * PIECE_MS
        for at in range(0, len(sound), piece):
            self._told.sound(sound[at : at + piece])

    def _update(self, session: dict[str, Any], event_id: str | None) -> None:
        if not self._updates.admits(self._way.now_ms() / 1000):
            raise Refused("The session is changed too often.", "rate_limit_exceeded", "session")
        before = self._config.choices | self._config.brought
        self._config.update(session)
        self._acknowledge("session.updated", event_id, session=self._config.object)
        for now in (self._config.brought, self._config.choices):  # not every agent takes all of them
            if changed := {name: value for name, value in now.items() if value != before[name]}:
                self._told.say({"type": "update", **changed})

    def _create_item(self, event: CreateItem) -> None:
        self._check_responses()
        item = self._told.vet(event.item)
        if item.type == "function_call_output":
            self._delegations.give(item.call_id or "")
        self._told.item(item, "")

    def _create_response(self, event_id: str | None) -> None:
        self._check_responses()
        if not self._delegations.create(event_id):
            for text, _ in self._told.ask(""):
                self._transcripts.type(text)

    def _check_responses(self) -> None:
        if self._config.target != "responses":
            raise Refused("This needs a session whose delegation is to `responses`.", param="type")

    def _acknowledge(self, type: str, event_id: str | None, **fields: Any) -> None:
        cause = {} if event_id is None else {"client_event_id": event_id}
        self._out.event(type, **fields, **cause)

    def _append(self, what: str, event_id: str | None) -> None:
        now = round(self._lasted_ms())
        self._acknowledge(f"session.{what}.appended", event_id, start_ms=now, end_ms=now)

    # What our session says

    only_reads = False
    """The agent always speaks."""

    def present(self) -> Sequence[str | bytes]:
        """The session as it is, for one who watches the call."""
        self._out.event("session.started", session=self._config.object)
        return self._out.take()

    def write(self, message: ServerMessage) -> Sequence[str | bytes]:
        if self._started and not self._running and not isinstance(message, Hello):
            self._run()
        match message:
            case Hello():
                self._start(message)
            case State(state=state):
                self._turn(state)
            case Transcription(text=text, final=True, pause_ms=pause_ms):
                self._transcripts.settle(text, pause_ms)
            case Audio(reply=reply):
                self._transcripts.sound(reply)
                self._delegations.go_on()
            case Response():
                if message.text:
                    self._delegations.go_on()
                self._transcripts.hear(message)
            case ToolCall():
                self._delegations.called(message)
            case ToolCancelled(id=call_id):
                self._delegations.cancelled(call_id)
            case Error():
                self._fail(message)
            case Reconnect():
                self._reason = "connection_lost"
                self._out.failure("server_error", "reconnect", "This server stops. Connect again to go on.")
                self._close()
            case _:
                pass
        return self._out.take()

    def say(self, sound: bytes) -> Sequence[str | bytes]:
        self._out.sound("session.output_audio.delta", sound)
        return self._out.take()

    def _start(self, hello: Hello) -> None:
        """Tell the client of the session, and prepare what our session has to know of it."""
        self._begun_ms, self._started = self._way.now_ms(), True
        if not self._way.on_webrtc:
            self._way.reformat(self._config.audio, self._config.audio)
        own = {
            "session_id": hello.session_id, "resume": hello.resume, "agent": hello.agent, "resumed": hello.resumed,
            "recorded": hello.recorded,
        }  # fmt: skip
        self._out.event("session.started", session={**self._config.object, "antiphon": own})
        if self._config.wants_stored:
            self._out.event("info", code="not_stored", message="This server keeps no session to fork or to download.")
        brought = {name: value for name, value in self._config.brought.items() if value}
        self._told.extend([{"type": "update", name: value} for name, value in brought.items()])
        self._told.extend([] if hello.resumed else self._config.notes)
        self._owing, self._running = self._told.take(), False

    def _run(self) -> None:
        """Our session runs: tell it what it has to know."""
        told, self._owing, self._early, self._running = [*self._owing, *self._early], [], [], True
        self._way.tell(told)

    def _turn(self, state: str) -> None:
        before, self._state = self._state, state
        if state == "overlap" and before != "overlap":
            self._overlap_ms = self._lasted_ms()
        elif state == "hearing":
            self._transcripts.begin(self._overlap_ms if before == "overlap" else self._lasted_ms())
        if state == "speaking" and before != "overlap":
            self._transcripts.speak()
        if state in ("listening", "closed"):
            self._transcripts.end()
            self._delegations.go_on()
        if state == "listening" and before not in ("", "hearing"):
            self._out.event("session.usage.updated", usage=self._usage)
        if state == "closed":
            self._close()

    def _fail(self, error: Error) -> None:
        self._out.failed(error.code, error.message, cause_of(error.ref)[1])
        if error.code == "limit_reached":
            self._reason = "expired"
        if error.final:
            self._reason = "connection_lost"
            self._close()

    def _close(self) -> None:
        """The session is over. Nothing is told of one that has not started."""
        if self._started and not self._closed:
            self._closed = True
            about = {"reason": self._reason, "session": self._config.object, "usage": self._usage}
            self._out.event("session.closed", **about)

    @property
    def _usage(self) -> dict[str, Any]:
        return {"seconds": round(self._lasted_ms() / 1000, 3)}

    def _lasted_ms(self) -> float:
        return self._way.now_ms() - self._begun_ms


def _lines(content: str) -> list[str]:
    """What is to be said, in lines that are short enough, cut between words."""
    lines = [""]
    for word in content.split():
        for part in (word[at : at + MAX_LINE_CHARS] for at in range(0, len(word), MAX_LINE_CHARS)):
            if len(lines[-1]) + 1 + len(part) > MAX_LINE_CHARS:
                lines.append("")
            lines[-1] = f"{lines[-1]} {part}".strip()
    return lines
