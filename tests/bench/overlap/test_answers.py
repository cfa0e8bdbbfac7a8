"""The bench of a radio in the room: what became of questions whose answers are known."""

from bench.common.rehearsal import SentMessage
from bench.overlap.answers import Asked, Asking, Reply, replies, what_became_of
from server.call.messages import Metrics, Response, Transcription
from server.media.frame import FRAME_MS, SPOKEN_BYTES

LOUD = b"\x00\x20" * (SPOKEN_BYTES // 2)
SUM = Asking("what is seven times eight", "fifty six", 1_000, 3_000)
HOURS = Asking("are you open on sunday", "closed", 8_000, 9_000)
RIGHT = "Seven times eight is fifty-six."


def heard_by_the_caller(begin_ms: int, end_ms: int, call_ms: int = 20_000) -> list[bytes | None]:
    """A call in which the agent is heard once."""
    before, answer = begin_ms // FRAME_MS, (end_ms - begin_ms) // FRAME_MS
    return [None] * before + [LOUD] * answer + [None] * (call_ms // FRAME_MS - before - answer)


def reply(text: str, begin_ms: float, end_ms: float, cut_off: bool = False) -> list[SentMessage]:
    """The messages of reply number 2."""
    over = Response(reply=2, text=text, final=True, interrupted=cut_off)
    return [SentMessage(begin_ms, Metrics(reply=2)), SentMessage(end_ms, over)]


def test_a_reply_begins_with_its_first_sound() -> None:
    """Its first packet may be silent. What was cut off before any sound is known as well."""
    sent = [
        SentMessage(100, Metrics(reply=2)),
        SentMessage(300, Response(reply=2, text="Yes.", final=False)),
        SentMessage(500, Response(reply=2, text="Yes. We are open.", final=True)),
        SentMessage(700, Response(reply=3, text="", final=True, interrupted=True)),
    ]
    heard = [None] * (160 // FRAME_MS) + [LOUD] * 40
    assert replies(sent, heard) == [
        Reply(2, 160, 500, "Yes. We are open.", cut_off=False, asked=True),
        Reply(3, 700, 700, "", cut_off=True, asked=False),
    ]


def test_the_rest_of_a_reply_belongs_to_it() -> None:
    """A sound without words cuts an answer off, and the agent says the rest as a line of its own."""
    sent = [
        SentMessage(0, Metrics(reply=2)),
        SentMessage(200, Response(reply=2, text="Seven times", final=True, interrupted=True)),
        SentMessage(400, Response(reply=3, text="eight is fifty six.", final=True)),
    ]
    whole = Reply(2, 0, 400, "Seven times eight is fifty six.", cut_off=False, asked=True)
    assert replies(sent, [LOUD] * 40) == [whole]


def test_an_answer_is_heard_whole_when_it_is_right_and_not_cut_off() -> None:
    """Another answer was given, but is not what was asked for. Numbers may have any writing."""
    heard = heard_by_the_caller(3_300, 5_000)
    words = SentMessage(3_100, Transcription(utterance=1, text="What is 7 x 8?", final=True))
    sent = [words, *reply(RIGHT, 3_280, 5_000)]
    assert what_became_of([SUM], sent, heard) == [Asked(SUM.text, 300, 2_000, "What is 7 x 8?", RIGHT)]
    cut, wrong = reply(RIGHT, 3_300, 5_000, cut_off=True), reply("Sorry, I can't help with that.", 3_300, 5_000)
    found = [what_became_of([SUM], sent, heard)[0] for sent in (cut, wrong)]
    assert [(each.answered, each.heard_whole) for each in found] == [(True, False), (True, False)]
    assert found[0].heard == f"{RIGHT}…"


def test_an_answer_belongs_to_the_question_before_it() -> None:
    """What comes after the next question has begun does not answer the first one. An unheard answer is none."""
    late = what_became_of([SUM, HOURS], reply(RIGHT, 9_100, 9_500), heard_by_the_caller(9_100, 9_500))
    assert [each.answered for each in late] == [False, True]
    unheard = what_became_of([SUM, HOURS], reply("", 3_300, 3_400, cut_off=True), [None] * 1_000)
    assert [each.answered for each in unheard] == [False, False]


def test_a_question_at_the_end_of_the_call_does_not_count() -> None:
    """The call ends before an answer can be expected."""
    assert what_became_of([HOURS], [], [None] * (14_000 // FRAME_MS)) == []
    assert [each.answered for each in what_became_of([HOURS], [], [None] * (20_000 // FRAME_MS))] == [False]
