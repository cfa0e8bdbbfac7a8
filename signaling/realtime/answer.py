"""Answer: one response of the OpenAI Realtime API, from `response.created` to `response.done`. Pure.

The order of its events is OpenAI's. A response has one message, which is opened by the first sound or text of it, or
function calls, or both. Clients ask for the history by the ids of its items, so each item is also an item of the
conversation.
"""

import json
from typing import Any, Literal

from signaling.openai.outgoing import Outgoing
from signaling.realtime.items import Items

Status = Literal["completed", "cancelled", "incomplete", "failed"]


class Answer:
    """A response in progress."""

    def __init__(self, out: Outgoing, items: Items, about: dict[str, Any], on_webrtc: bool) -> None:
        """`about` has the fields of the response object that the client or the session chooses. On WebRTC the sound
        goes beside the events."""
        self._out = out
        self._items = items
        self._on_webrtc = on_webrtc
        self.id = out.new_id("resp")
        self.reply: int | None = None
        """The number of our reply, once it is known."""
        self.unasked = False
        """The agent speaks, and nobody has asked it."""
        self.before = ""
        """What earlier responses have said of the same reply."""
        self.message: dict[str, Any] | None = None
        """The item of the message, once it is there."""
        self.tools: list[str] = []
        """The names of the server's own tools that ran for it."""
        self.is_open = False
        """The message is there and not over."""
        self.text = ""
        self._output: list[dict[str, Any]] = []
        self._where: dict[str, Any] = {}
        self._where_json = ""
        self._sounding = False
        self._response = {
            "object": "realtime.response", "id": self.id, "status": "in_progress", "status_details": None, "output": [],
            **about, "usage": None,
        }  # fmt: skip
        self.modalities: list[str] = about["output_modalities"]
        self._speaks = self.modalities == ["audio"]
        out.event("response.created", response=self._response)

    @property
    def item_id(self) -> str:
        """The id of the message; "" before there is one."""
        return "" if self.message is None else str(self.message["id"])

    # What it says

    def say(self, sound: bytes) -> None:
        """The next sound, on a WebSocket."""
        self._open_message()
        if self._speaks:
            self._out.sound("response.output_audio.delta", sound, self._where_json)

    def write(self, text: str) -> None:
        """All text so far. Only what is new is told."""
        self._open_message()
        self.start_sound()
        if text.startswith(self.text) and (delta := text[len(self.text) :]):
            self.text = text
            kind = "response.output_audio_transcript.delta" if self._speaks else "response.output_text.delta"
            self._out.event(kind, **self._where, delta=delta)

    def start_sound(self) -> None:
        """On WebRTC the client is told when the sound begins."""
        if self._on_webrtc and self._speaks and not self._sounding:
            self._sounding = True
            self._out.event("output_audio_buffer.started", response_id=self.id)

    def call(self, call_id: str, name: str, arguments: dict[str, Any]) -> None:
        """The model calls a function, which the client runs."""
        self.close_message("completed", self.text)
        item = self._item("function_call", status="in_progress", name=name, call_id=call_id, arguments="")
        self._add(item)
        where = {"response_id": self.id, "item_id": item["id"], "output_index": len(self._output), "call_id": call_id}
        written = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        self._out.event("response.function_call_arguments.delta", **where, delta=written)
        self._out.event("response.function_call_arguments.done", **where, name=name, arguments=written)
        self._finish({**item, "status": "completed", "arguments": written})

    # How it ends

    def end(self, status: Status, text: str, reason: str | None = None, usage: dict[str, Any] | None = None) -> None:
        """The response is over. `text` is all that was heard of its message."""
        self.close_message("completed" if status == "completed" else "incomplete", text)
        if self._sounding:
            over = "output_audio_buffer.stopped" if status == "completed" else "output_audio_buffer.cleared"
            self._out.event(over, response_id=self.id)
        details: dict[str, Any] | None = None
        if status != "completed":
            details = {"type": status, "reason": reason} if reason else {"type": status}
            if status == "failed":
                details["error"] = {"type": "server_error", "code": "no_answer"}
        done = {**self._response, "status": status, "status_details": details, "output": self._output, "usage": usage}
        if self.tools:
            done["antiphon"] = {"tools": self.tools}
        self._out.event("response.done", response=done)

    def close_message(self, status: str, text: str) -> None:
        """The message is over, if there is one. `text` is what was heard of it."""
        if not self.is_open or self.message is None:
            return
        self.is_open = False
        self.write_rest(text)
        if self._speaks:
            self._out.event("response.output_audio.done", **self._where)
            self._out.event("response.output_audio_transcript.done", **self._where, transcript=text)
            part, content = {"type": "audio", "transcript": text}, {"type": "output_audio", "transcript": text}
        else:
            self._out.event("response.output_text.done", **self._where, text=text)
            part, content = {"type": "text", "text": text}, {"type": "output_text", "text": text}
        self._out.event("response.content_part.done", **self._where, part=part)
        self._finish({**self.message, "status": status, "content": [content]})

    def write_rest(self, text: str) -> None:
        """Tell what the last caption did not have yet."""
        if text.startswith(self.text) and text != self.text:
            kind = "response.output_audio_transcript.delta" if self._speaks else "response.output_text.delta"
            self._out.event(kind, **self._where, delta=text[len(self.text) :])
        self.text = text

    # Items

    def _open_message(self) -> None:
        if self.is_open:
            return
        self.message = self._item("message", status="in_progress", role="assistant", content=[])
        self.is_open, self.text = True, ""
        self._add(self.message)
        self._where = {
            "response_id": self.id, "item_id": self.message["id"], "output_index": len(self._output),
            "content_index": 0,
        }  # fmt: skip
        self._where_json = json.dumps(self._where, separators=(",", ":"))[1:-1] + ","
        part = {"type": "audio", "transcript": ""} if self._speaks else {"type": "text", "text": ""}
        self._out.event("response.content_part.added", **self._where, part=part)

    def _item(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {"id": self._out.new_id("item"), "object": "realtime.item", "type": kind, **fields}

    def _add(self, item: dict[str, Any]) -> None:
        before = self._items.add(item)
        self._out.event("response.output_item.added", response_id=self.id, output_index=len(self._output), item=item)
        self._out.event("conversation.item.added", previous_item_id=before, item=item)

    def _finish(self, item: dict[str, Any]) -> None:
        self._items.replace(item)
        at = len(self._output)
        self._output.append(item)
        self._out.event("response.output_item.done", response_id=self.id, output_index=at, item=item)
        self._out.event("conversation.item.done", previous_item_id=self._items.before(item["id"]), item=item)


def usage_of(taken: int, made: int) -> dict[str, Any]:
    """The usage of a response. Our models read and write text, so no token of it is of sound."""
    return {
        "total_tokens": taken + made, "input_tokens": taken, "output_tokens": made,
        "input_token_details": {"text_tokens": taken, "audio_tokens": 0, "cached_tokens": 0},
        "output_token_details": {"text_tokens": made, "audio_tokens": 0},
    }  # fmt: skip
