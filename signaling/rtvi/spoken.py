"""Spoken: one answer as RTVI shows it: segments of text, and how much of each the caller has heard."""

from collections.abc import Iterator
from typing import Any

Told = tuple[str, Any]
"""The type of a message of RTVI, and its data."""


class Spoken:
    """The segments of one answer. Each is a clause of it, in the order in which they are spoken."""

    def __init__(self, first_segment: int, late: bool = False) -> None:
        """`late`: a part of it was heard before this client was told anything of it. Then its clauses, of which some
        were told before, are not shown beforehand: each part is a segment when it is heard."""
        self._late = late
        self.segments = first_segment
        """How many segments the client was told, in this answer and in those before it."""
        self._waiting: list[tuple[int, str]] = []
        """The segments that are not heard to their ends: their numbers and texts."""
        self._heard = ""
        """All that the caller has heard."""
        self._begin = 0
        """Where in it the first segment that waits begins."""
        self._part = ""
        """How much of that segment was heard, as the client was told."""

    def add(self, text: str) -> Iterator[Told]:
        """The agent is going to say `text` next."""
        if not self._late:
            yield from self._announce(text)

    def _announce(self, text: str) -> Iterator[Told]:
        self._waiting.append((self.segments, text))
        self.segments += 1
        yield "bot-llm-text", {"text": f"{text} "}
        yield "bot-output", {**_segment(self.segments - 1, text), "spoken_status": "new"}

    def write(self, text: str) -> Iterator[Told]:
        """A text that is not spoken. It stands between the segments that are."""
        self.segments += 1
        yield "bot-llm-started", None
        yield "bot-llm-text", {"text": text}
        yield "bot-output", {**_segment(self.segments - 1, text), "will_be_spoken": False}
        yield "bot-llm-stopped", None

    def hear(self, heard: str, final: bool) -> Iterator[Told]:
        """The caller has heard this much of the answer.

        It may be less than what was told before: sound that was on its way when the caller cut in.
        """
        if words := heard[len(self._heard) :].strip():
            yield "bot-tts-text", {"text": words}
        self._heard = heard
        self._go_to(self._begin)
        while self._waiting and len(heard) >= self._begin + len(self._waiting[0][1]):
            number, text = self._waiting.pop(0)
            self._part = ""
            self._go_to(self._begin + len(text))
            yield "bot-output", {**_segment(number, text), "spoken_status": "completed", **_progress(text, text)}
        part = heard[self._begin :]
        if not self._waiting and part:
            yield from self._unannounced(part)
        elif self._waiting and part != self._part and (part or final):
            self._part = part
            number, text = self._waiting[0]
            yield "bot-output", {**_segment(number, text), "spoken_status": "in-progress", **_progress(part, text)}

    def _go_to(self, begin: int) -> None:
        """The next segment begins here, or behind the space that is here. Not every language has one."""
        rest = self._heard[begin:]
        self._begin = begin + len(rest) - len(rest.lstrip())

    def _unannounced(self, part: str) -> Iterator[Told]:
        """The caller has heard something that this client was not told before, such as the rest of an answer that
        began on another connection."""
        yield from self._announce(part)
        number, text = self._waiting.pop()
        self._go_to(self._begin + len(text))
        yield "bot-output", {**_segment(number, text), "spoken_status": "completed", **_progress(text, text)}


def _segment(number: int, text: str) -> dict[str, Any]:
    return {
        "text": text, "segment_id": number, "aggregated_by": "sentence", "output_type": "sentence",
        "will_be_spoken": True,
    }  # fmt: skip


def _progress(heard: str, text: str) -> dict[str, Any]:
    return {"spoken_progress": {"accumulated_text": heard, "remaining_text": text[len(heard) :]}}
