"""What became of a caller's questions, judged from what the agent said and the caller heard. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.common.rehearsal import SentMessage
from bench.overlap.outcome import Frames, first_sound_ms
from server.call.messages import Metrics, Response, Transcription
from server.call.turns.lexicon.english_writing import spoken
from server.media.frame import FRAME_MS

EARLY_MS = 300
"""An answer may begin so long before the last sound of the question."""
LEAST_MS = 10_000
"""A question that has less time than this before the end of the call does not count."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A question in a call."""

    text: str
    wanted: str
    """Words that the right answer has."""
    begin_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent said at once."""

    number: int
    begin_ms: float
    """Its first sound."""
    end_ms: float
    text: str
    """What the caller heard of it."""
    cut_off: bool
    asked: bool
    """Whether it answers an utterance. The agent says other lines unasked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one question. Times are in ms since its end, and None when the thing did not happen."""

    question: str
    wait_ms: float | None
    """Until the caller heard the first sound of an answer, right or wrong."""
    done_ms: float | None
    """Until the caller had heard the right answer to its end."""
    words: str
    """What speech-to-text heard from the beginning of the question to that of the next one."""
    heard: str
    """What the caller heard in answer; "…" stands where an answer was cut off."""

    @property
    def answered(self) -> bool:
        return self.wait_ms is not None

    @property
    def heard_whole(self) -> bool:
        return self.done_ms is not None


def replies(sent: Sequence[SentMessage], heard: Frames) -> list[Reply]:
    """All replies that were begun, in their order.

    A reply that a sound has cut off may be followed by its rest, which the agent says as a line of its own. The caller
    has heard the two as one, so they count as one.
    """
    begun_ms = {each.message.reply: each.at_ms for each in sent if isinstance(each.message, Metrics)}
    asked, found = set(begun_ms), list[Reply]()
    for each in sent:
        said = each.message
        if isinstance(said, Response):
            begin_ms = begun_ms.setdefault(said.reply, each.at_ms)
            if said.final:
                begin_ms = first_sound_ms(heard, begin_ms) if said.text else begin_ms
                reply = Reply(said.reply, begin_ms, each.at_ms, said.text, said.interrupted, said.reply in asked)
                found = _joined(found, reply)
    return found


def _joined(earlier: list[Reply], reply: Reply) -> list[Reply]:
    """The replies with one more, which is the rest of the last one if it is a line after an answer that was cut off."""
    if not earlier or reply.asked or not earlier[-1].cut_off or not earlier[-1].text:
        return [*earlier, reply]
    first = earlier[-1]
    whole = replace(first, end_ms=reply.end_ms, text=f"{first.text} {reply.text}", cut_off=reply.cut_off)
    return [*earlier[:-1], whole]


def what_became_of(asked: Sequence[Asking], sent: Sequence[SentMessage], heard: Frames) -> list[Asked]:
    """The fate of each question in a call. What begins before the next question answers this one."""
    said, call_ms = replies(sent, heard), len(heard) * FRAME_MS
    ends_ms = [*(question.begin_ms for question in asked[1:]), call_ms]
    return [
        _fate(
            question,
            _words(sent, question.begin_ms, end_ms),
            [reply for reply in said if question.end_ms - EARLY_MS <= reply.begin_ms < end_ms],
        )
        for question, end_ms in zip(asked, ends_ms, strict=True)
        if end_ms < call_ms or end_ms - question.end_ms >= LEAST_MS
    ]


def _words(sent: Sequence[SentMessage], begin_ms: float, end_ms: float) -> str:
    here = [each.message for each in sent if begin_ms <= each.at_ms < end_ms]
    return " / ".join(said.text for said in here if isinstance(said, Transcription) and said.final and said.text)


def _fate(question: Asking, words: str, here: Sequence[Reply]) -> Asked:
    heard = [reply for reply in here if reply.text]
    right = [reply for reply in heard if not reply.cut_off and _has(reply.text, question.wanted)]
    return Asked(
        question.text,
        heard[0].begin_ms - question.end_ms if heard else None,
        right[0].end_ms - question.end_ms if right else None,
        words,
        " / ".join(reply.text + "…" * reply.cut_off for reply in heard),
    )


def _has(text: str, wanted: str) -> bool:
    return f" {wanted} " in f" {' '.join(spoken(text))} "
