"""The bench of a radio in the room: what became of questions whose answers are known."""

from bench.common.rehearsal import SentMessage
from bench.overlap.answers import Asked, Asking, Reply, replies, what_became_of
from server.call.messages import Metrics, Response
from server.media.frame import FRAME_MS, SPOKEN_BYTES

LOUD = b"\x00\x20" * (SPOKEN_BYTES // 2)
SUM = Asking("what is seven times eight", "fifty six", 1_000, 3_000)
HOURS = Asking("are you open on sunday", "closed", 8_000, 9_000)
ANSWER = Reply(2, 3_300, 5_000, "Seven times eight is fifty-six.", cut_off=False, asked=True)


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
    assert what_became_of([SUM], [ANSWER], 20_000) == [Asked(SUM.text, 300, 2_000, ANSWER.text)]
    cut = Reply(2, 3_300, 4_000, "Seven times eight is fifty six", cut_off=True, asked=True)
    wrong = Reply(2, 3_300, 4_000, "Sorry, I can't help with that.", cut_off=False, asked=True)
    found = [what_became_of([SUM], [reply], 20_000)[0] for reply in (cut, wrong)]
    assert [(each.answered, each.heard_whole) for each in found] == [(True, False), (True, False)]
    assert found[0].heard.endswith("…")


def test_an_answer_belongs_to_the_question_before_it() -> None:
    """What comes after the next question has begun does not answer the first one. An unheard answer is none."""
    late = Reply(2, 8_500, 9_500, "Seven times eight is fifty six.", cut_off=False, asked=True)
    unheard = Reply(3, 3_300, 3_400, "", cut_off=True, asked=True)
    found = what_became_of([SUM, HOURS], [unheard, late], 20_000)
    assert [each.answered for each in found] == [False, False]


def test_a_question_at_the_end_of_the_call_does_not_count() -> None:
    """The call ends before an answer can be expected."""
    assert what_became_of([HOURS], [], HOURS.end_ms + 5_000) == []
    assert [each.answered for each in what_became_of([HOURS], [], HOURS.end_ms + 12_000)] == [False]
