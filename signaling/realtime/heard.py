"""Heard: what the caller says, as a client of the OpenAI Realtime API is told: speech, items and their words. Pure.

The client is told of speech when the caller has the floor. A sound beside the agent's voice that may be an "mhm" is not
told: clients throw away what they have of the agent's voice when they hear of speech, and here the agent may go on.
"""

from typing import Any

from signaling.openai.outgoing import Outgoing
from signaling.realtime.items import Items


class Heard:
    """The utterances of the caller."""

    def __init__(self, out: Outgoing, items: Items) -> None:
        self._out = out
        self._items = items
        self._item = ""
        """The item of the speech that goes on, or ""."""
        self._number: int | None = None
        """Its utterance, once it is known."""
        self._unnumbered: list[str] = []
        """The items that were committed before their utterances were known, which come in the same order."""
        self._early: list[int] = []
        """The utterances of which words are known, and that are no items yet."""
        self._ids: dict[int, str] = {}
        """The items of the newest utterances."""
        self._told: dict[str, str] = {}
        """What words of an item the client knows from deltas."""
        self._started_ms = 0.0
        self.unanswered = False
        """What the caller has said is an item, and no response was created for it."""
        self.detects = True
        """We find out when the caller speaks. Otherwise the client commits what was said, and is told of no speech."""
        self.committing = False
        """The client has committed, and waits for the item."""
        self.live = False
        """The client is told words while they are spoken, and not only when they are an item."""
        self._typed: list[tuple[str, str]] = []
        """The text and the item of what was typed and has not come back as an utterance."""

    @property
    def speaking(self) -> bool:
        """The client was told that the caller speaks."""
        return self._item != ""

    def start(self, at_ms: float) -> None:
        """The caller speaks, `at_ms` of the sound that has come."""
        if self._item:
            return
        self._begin(at_ms)
        if self._early:
            self._open(self._early[0])

    def _begin(self, at_ms: float) -> None:
        self._item, self._number, self._started_ms = self._out.new_id("item"), None, at_ms
        if self.detects:
            self._out.event("input_audio_buffer.speech_started", audio_start_ms=round(at_ms), item_id=self._item)

    def stop(self, at_ms: float) -> None:
        """The caller is done: the speech is an item of the conversation."""
        if not self._item:
            return
        item_id, self._item = self._item, ""
        if self._number is None:
            self._unnumbered = [*self._unnumbered[-7:], item_id]
        if self.detects:
            self._out.event("input_audio_buffer.speech_stopped", audio_end_ms=round(at_ms), item_id=item_id)
        self._commit(item_id)

    def withdraw(self, at_ms: float) -> None:
        """It was a noise, and becomes no item."""
        if self._item and self.detects:
            self._out.event("input_audio_buffer.speech_stopped", audio_end_ms=round(at_ms), item_id=self._item)
        self._item = ""

    def type(self, text: str, item_id: str) -> None:
        """The client has sent words as text. They come back as an utterance, of which it is told nothing."""
        self._typed = [*self._typed[-9:], (text, item_id)]

    def words(self, number: int, text: str, final: bool, at_ms: float, tells: bool) -> None:
        """The words of an utterance, as far as they are known. `tells`: the client wants to know them."""
        if self._is_typed(number, text, final):
            return
        self._assign(number)
        item_id = self._ids.get(number)
        if final and number in self._early:
            self._early.remove(number)
        if final and not text and item_id is None and self.committing and not self._item:
            self._begin(at_ms)  # nothing was heard, and the client wants an item all the same
            item_id = self._open(number)
            self.stop(at_ms)
            self.unanswered = False
        if final and not text:
            if item_id is None or item_id == self._item:
                self.withdraw(at_ms)
            elif tells:
                self._complete(item_id, "", at_ms)
            return
        if final and item_id is None:  # said beside the agent's voice, and answered later
            if self._item:
                return
            self._begin(at_ms)
            item_id = self._open(number)
        if final and item_id == self._item:
            self.stop(at_ms)
        if item_id is not None and tells:
            self._delta(item_id, text) if not final else self._complete(item_id, text, at_ms)
        elif item_id is not None and final:
            self._keep(item_id, text)

    def _assign(self, number: int) -> None:
        """Find the item of utterance `number`, which may be told only now."""
        if number in self._ids or number in self._early:
            return
        if self._unnumbered:
            self._remember(number, self._unnumbered.pop(0))
        elif self._item and self._number is None:
            self._open(number)
        else:
            self._early = [*self._early[-7:], number]

    def _open(self, number: int) -> str:
        """The item of the speech that goes on is that of utterance `number`. Returns its id."""
        self._number = number
        self._early = [each for each in self._early if each != number]
        self._remember(number, self._item)
        return self._item

    def _delta(self, item_id: str, text: str) -> None:
        """Deltas can only add. What changes what was told waits for the end."""
        told = self._told.get(item_id, "")
        if (self.live or item_id in self._items) and text.startswith(told) and text != told:
            where = {"item_id": item_id, "content_index": 0}
            self._out.event("conversation.item.input_audio_transcription.delta", **where, delta=text[len(told) :])
            self._told[item_id] = text

    def _complete(self, item_id: str, text: str, at_ms: float) -> None:
        self._delta(item_id, text)
        self._told.pop(item_id, None)
        self._keep(item_id, text)
        usage = {"type": "duration", "seconds": round(max(0.0, at_ms - self._started_ms) / 1000, 3)}
        self._out.event(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id, content_index=0, transcript=text, usage=usage,
        )  # fmt: skip

    def _commit(self, item_id: str) -> None:
        item = {
            "id": item_id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }  # fmt: skip
        before, self.unanswered, self.committing = self._items.last, True, False
        self._out.event("input_audio_buffer.committed", item_id=item_id, previous_item_id=before)
        self._items.add(item)
        self._out.event("conversation.item.added", previous_item_id=before, item=item)
        self._out.event("conversation.item.done", previous_item_id=before, item=item)

    def _keep(self, item_id: str, text: str) -> None:
        if item_id in self._items:
            item: dict[str, Any] = self._items.get(item_id, "retrieve")
            self._items.replace({**item, "content": [{"type": "input_audio", "transcript": text}]})

    def _is_typed(self, number: int, text: str, final: bool) -> bool:
        if number in self._ids:
            return False
        match = next((i for i, (typed, _) in enumerate(self._typed) if typed and text.endswith(typed)), None)
        if match is None:
            return False
        if final:
            self._remember(number, self._typed.pop(match)[1])
        return True

    def _remember(self, number: int, item_id: str) -> None:
        self._ids[number] = item_id
        while len(self._ids) > 32:  # the words of older ones have come long before
            del self._ids[next(iter(self._ids))]
