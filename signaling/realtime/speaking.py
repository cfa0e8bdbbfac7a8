"""Speaking: the responses of one client of the OpenAI Realtime API, and which of our replies each belongs to. Pure.

Our reply waits for its tools and then goes on. At OpenAI a response ends with the call of a function, and the client
creates another one when it has given the result. So one reply of ours may be several responses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from server.call.agent_messages import ToolCall, ToolCancelled
from server.call.messages import Response, ServerMessage
from signaling.openai.outgoing import Outgoing
from signaling.openai.refused import Refused
from signaling.openai.way import Way
from signaling.realtime.answer import Answer, usage_of
from signaling.realtime.items import Items
from signaling.realtime.ledgers import Ledgers
from signaling.realtime.requests import TruncateItem, Wanted
from signaling.realtime.session_config import SessionConfig


class Speaking:
    """What the agent says."""

    def __init__(self, out: Outgoing, items: Items, way: Way, config: SessionConfig) -> None:
        self._out = out
        self._items = items
        self._way = way
        self._config = config
        self._answer: Answer | None = None
        self._called: set[str] = set()
        """The function calls that the client has not answered."""
        self._continues = False
        """The client has answered a function call, and the next `response.create` is for what comes of it."""
        self._waits = False
        """A reply has called a function in a response that is over, and goes on when it has the result."""
        self._paused: int | None = None
        """The number of that reply, if it is known."""
        self._sounding = 0
        """The reply whose sound comes."""
        self._over = 0
        """The newest reply of which the client is told nothing more."""
        self._said: dict[int, str] = {}
        """What earlier responses have said of a reply that goes on."""
        self._cancelled = False
        """The client has asked that the response stops."""
        self._by_voice = False
        self._ledgers = Ledgers(way.on_webrtc, way.now_ms)
        self._conversation = out.new_id("conv")

    # What the client wants

    @property
    def writes(self) -> bool:
        """What is said now is for reading."""
        return (self._config.modalities if self._answer is None else self._answer.modalities) == ["text"]

    def returned(self, call_id: str) -> bool:
        """The client tells what a function has returned. False: it was not asked for it, or has told it before."""
        if call_id not in self._called:
            return False
        self._called.remove(call_id)
        self._continues = True
        return True

    @property
    def response_id(self) -> str:
        """The id of the response in progress; "" if there is none."""
        return "" if self._answer is None else self._answer.id

    def refused(self, response_id: str) -> None:
        """Our session does not do what this response was created for."""
        if self._answer is not None and self._answer.id == response_id:
            self._end(self._answer, "failed", self._answer.text)

    def create(self, wanted: Wanted, asks: bool = False) -> bool:
        """Begin a response. Returns whether our reply goes on by itself, and nobody has to be asked. `asks`: there are
        words of the client beside the result of a function, and a reply that goes on gives way to them.

        Raises Refused while there is another one.
        """
        continues, self._continues = self._continues and not asks, False
        if self._answer is not None and self._answer.unasked and not continues:
            self._give_up(self._answer)
        if self._answer is not None and not continues:
            raise Refused(
                f"Conversation already has an active response in progress: {self._answer.id}. Wait until the response "
                "is finished before creating a new one.",
                "conversation_already_has_active_response",
            )
        if self._answer is None:
            if asks and self._waits:
                self._over, self._waits, self._paused = self._paused or self._over, False, None
            answer = self._answer = self._new(wanted)
            if continues and not self._waits:  # what comes of the function was said already
                self._end(answer, "completed", "")
            elif continues:
                self._bind(answer, self._paused)
        return continues

    def _give_up(self, answer: Answer) -> None:
        """What the agent says unasked gives way to what the client asks for."""
        self._over = answer.reply or self._over
        self._end(answer, "cancelled", answer.text, "turn_detected")

    def cancel(self, response_id: str | None) -> Sequence[Mapping[str, Any]]:
        """Raises Refused if there is nothing to cancel."""
        if self._answer is None or response_id not in (None, self._answer.id):
            raise Refused("Cancellation failed: no active response found.", "response_cancel_not_active")
        self._cancelled = True
        return [{"type": "interrupt"}]

    def clear(self) -> Sequence[Mapping[str, Any]]:
        """On WebRTC: play nothing more of what was said."""
        if not self._way.on_webrtc:
            raise Refused(
                "This is for WebRTC: on a WebSocket the client itself has the sound.", "invalid_value", "type"
            )
        self._cancelled = self._answer is not None
        return [{"type": "interrupt"}] if self._answer is not None else []

    def truncate(self, event: TruncateItem) -> Sequence[Mapping[str, Any]]:
        """The caller has heard only so much of a message. Raises Refused if so much was never sent."""
        item = self._items.get(event.item_id, "truncate")
        ledger = self._ledgers.find(event.item_id)
        if item.get("role") != "assistant" or ledger is None:
            raise Refused("Only what the agent said can be truncated.", "invalid_value", "item_id")
        if event.content_index != 0:
            raise Refused("A message of the agent has one part.", "invalid_value", "content_index")
        sent_ms = self._ledgers.sound_ms(ledger)
        if event.audio_end_ms > sent_ms + 1:
            raise Refused(
                f"Audio content of {sent_ms:.0f} ms is already shorter than {event.audio_end_ms} ms.",
                "invalid_value", "audio_end_ms",
            )  # fmt: skip
        told: list[Mapping[str, Any]] = []
        answer = self._answer
        if (
            answer is not None
            and answer.message is not None
            and answer.message["id"] == event.item_id
            and answer.is_open
        ):
            told = [{"type": "played", "reply": ledger.reply, "ms": ledger.base_ms + event.audio_end_ms}]
            if not self._cancelled:
                told.append({"type": "interrupt"})
                self._cancelled = True
        heard = ledger.heard(event.audio_end_ms)
        for part in item["content"]:
            if (said := part.get("transcript")) is not None and len(heard) < len(said):
                part["transcript"] = heard
        self._out.event(
            "conversation.item.truncated",
            item_id=event.item_id, content_index=event.content_index, audio_end_ms=event.audio_end_ms,
        )  # fmt: skip
        return told

    # What our session does

    def expect(self) -> None:
        """The caller is done, or has typed: an answer is on its way."""
        if self._answer is None and self._config.answers:
            self._answer = self._new(Wanted())

    def sounds(self, reply: int) -> None:
        """The sound of this reply follows."""
        self._sounding = reply
        if reply > self._over:
            self._of(reply)

    def say(self, sound: bytes) -> None:
        """The next sound of the reply, on a WebSocket."""
        if (answer := self._answer) is None or self._sounding <= self._over:
            return
        answer.say(sound)
        form = self._config.spoken_format
        self._ledgers.of(answer).sound_ms += len(sound) / (
            form.sample_rate // 1000 * (2 if form.encoding == "pcm16" else 1)
        )

    def caption(self, message: Response) -> None:
        """What the caller has heard of a reply."""
        reply = message.reply
        if reply <= self._over or self._is_unheard(message):
            return
        if message.final and (self._answer is None or self._answer.reply not in (None, reply)):
            self._said.pop(reply, None)  # all of it was told, or nothing was heard of it
            self._forget(reply)
            if self._answer is None or not message.text:
                return
        answer = self._of(reply)
        text = message.text.removeprefix(answer.before).lstrip() if answer.before else message.text
        if text and not message.final:
            answer.write(text)
            self._ledgers.mark(answer, text)
        elif message.final:
            if text and not answer.is_open:
                answer.write(text)
                self._ledgers.of(answer)
            self._finish(answer, message, text)

    def _is_unheard(self, message: Response) -> bool:
        """Whether a reply was cut off before anything of it was told. The response that waits may be for another one,
        such as for what the client asks while a greeting is about to begin."""
        answer = self._answer
        if not message.interrupted or message.text or (answer is not None and answer.reply == message.reply):
            return False
        self._forget(message.reply)
        if answer is not None and answer.reply is None and self._by_voice:
            self._end(answer, "cancelled", "", "turn_detected")
        return True

    def called(self, message: ServerMessage) -> None:
        """Another message of our session; of interest is the call of a tool that the client runs."""
        if isinstance(message, ToolCancelled):
            self._called.discard(message.id)  # what it returns all the same is told as an old result
        if not isinstance(message, ToolCall):
            return
        call = message
        self._called.add(call.id)
        answer = self._answer or self._new(Wanted())
        self._waits, self._paused = True, answer.reply if answer.reply is not None else self._paused
        if answer.reply is not None:
            self._said[answer.reply] = answer.before + answer.text
        said = answer.text
        answer.call(call.id, call.name, call.arguments)
        self._end(answer, "completed", said)

    def interrupted(self, by_voice: bool) -> None:
        """A reply was cut off."""
        self._by_voice = by_voice

    def rest(self) -> None:
        """Nobody speaks: a response that has no reply gets none any more."""
        answer = self._answer
        if answer is not None and answer.reply is None:
            self._end(answer, *(("cancelled", "", "client_cancelled") if self._cancelled else ("failed", "")))

    # Steps

    def _finish(self, answer: Answer, message: Response, text: str) -> None:
        answer.tools = message.tools
        usage = None if message.usage is None else usage_of(message.usage.input_tokens, message.usage.output_tokens)
        if message.interrupted:
            by_client = self._cancelled and not self._by_voice
            self._end(answer, "cancelled", text, "client_cancelled" if by_client else "turn_detected", usage)
        elif not message.text and not message.tools and not answer.is_open:
            self._end(answer, "failed", "")
        else:
            self._end(answer, "completed", text, usage=usage)
        self._forget(message.reply)

    def _of(self, reply: int) -> Answer:
        """The response of this reply. One that belongs to another reply is over."""
        answer = self._answer
        if answer is not None and answer.reply not in (None, reply):
            self._end(answer, "completed", answer.text)
            answer = None
        if answer is None:
            answer = self._answer = self._new(Wanted())
            answer.unasked = not self._waits
        if answer.reply is None:
            self._bind(answer, reply)
        return answer

    def _bind(self, answer: Answer, reply: int | None) -> None:
        if reply is not None:
            answer.reply, answer.before = reply, self._said.get(reply, "")

    def _new(self, wanted: Wanted) -> Answer:
        self._cancelled = self._by_voice = False
        most = wanted.max_output_tokens
        about = {
            "conversation_id": self._conversation,
            "output_modalities": wanted.output_modalities or self._config.modalities,
            "max_output_tokens": most if most is not None else self._config.max_output_tokens,
            "audio": {"output": self._config.output}, "metadata": wanted.metadata,
        }  # fmt: skip
        return Answer(self._out, self._items, about, self._way.on_webrtc)

    def _end(self, answer: Answer, status: Any, text: str, reason: str | None = None, usage: Any = None) -> None:
        if answer.is_open:
            self._ledgers.close(answer, text)
        answer.end(status, text, reason, usage)
        if self._answer is answer:
            self._answer = None
        self._cancelled = self._by_voice = False

    def _forget(self, reply: int) -> None:
        if self._paused in (reply, None):
            self._waits, self._paused = False, None
        self._said.pop(reply, None)
