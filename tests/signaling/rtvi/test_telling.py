"""What a client of RTVI is told of a call."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.call.agent_messages import Answered, Clause, ToolCall, ToolCancelled, ToolResult
from server.call.messages import (
    Agent,
    Hello,
    Interrupted,
    Metrics,
    Response,
    ServerMessage,
    State,
    Text,
    Transcription,
)
from tests.signaling.rtvi.client import NOW, Client


def test_turns() -> None:
    """Each side starts and stops once, however the floor goes over."""
    states: list[Any] = ["listening", "hearing", "thinking", "speaking", "overlap", "speaking", "overlap", "hearing"]
    assert Client().types(*(State(state=state) for state in states)) == [
        "user-started-speaking", "user-stopped-speaking", "bot-started-speaking", "user-started-speaking",
        "user-stopped-speaking", "user-started-speaking", "bot-stopped-speaking",
    ]  # fmt: skip


def test_words_of_the_caller() -> None:
    client = Client()
    told = client.told(
        Transcription(utterance=1, text="where", final=False), Transcription(utterance=1, text="where is", final=True)
    )
    common = {"timestamp": NOW, "user_id": ""}
    assert told == [
        ("user-transcription", {"text": "where", "final": False, **common}),
        ("user-input", {"text": "where", "final": False, **common, "input_type": "transcription", "msg_id": "1"}),
        ("user-transcription", {"text": "where is", "final": True, **common}),
        ("user-input", {"text": "where is", "final": True, **common, "input_type": "transcription", "msg_id": "1"}),
        ("user-llm-text", {"text": "where is"}),
    ]


def test_a_noise_is_told_only_if_something_of_it_was_shown() -> None:
    client = Client()
    assert client.told(Transcription(utterance=1, text="", final=True)) == []
    client.told(Transcription(utterance=2, text="hm", final=False))
    assert client.types(Transcription(utterance=2, text="", final=True)) == ["user-transcription", "user-input"]


def test_typed_words_are_a_chat_and_no_transcription() -> None:
    client = Client()
    told, answers = client.says("send-text", {"content": "When?", "options": {"audio_response": True}})
    assert (told, answers) == ([Text(text="When?")], [])
    shown = client.told(
        Transcription(utterance=1, text="When?", final=False), Transcription(utterance=1, text="When?", final=True)
    )
    assert [kind for kind, _ in shown] == ["user-input", "user-input", "user-llm-text"]
    assert shown[0][1]["input_type"] == "chat"
    assert "user-transcription" in client.types(Transcription(utterance=2, text="When?", final=True))


def test_spoken_words_are_no_chat_although_something_like_it_was_typed() -> None:
    """What is typed for a tool that waits for keys, or too fast, does not come back as words of the caller."""
    client = Client()
    for text in ("no", "1234", "and now", "please"):
        client.says("send-text", {"content": text})
    assert "user-transcription" in client.types(Transcription(utterance=1, text="now i know", final=False))
    assert "user-transcription" in client.types(Transcription(utterance=2, text="no", final=True, pause_ms=300))
    assert "user-transcription" not in client.types(Transcription(utterance=3, text="and now please", final=True))
    assert "user-transcription" in client.types(Transcription(utterance=4, text="no", final=True))


def test_an_answer_is_told_clause_by_clause_as_it_is_heard() -> None:
    client = Client()
    assert client.types(Clause(reply=1, text="It is ten."), Clause(reply=1, text="Bye.")) == [
        "bot-started-speaking", "bot-llm-started", "bot-tts-started",
        "bot-llm-text", "bot-output", "bot-llm-text", "bot-output",
    ]  # fmt: skip
    words, (_, output) = client.told(Response(reply=1, text="It is", final=False))
    assert words == ("bot-tts-text", {"text": "It is"})
    assert output == {
        "text": "It is ten.", "segment_id": 0, "aggregated_by": "sentence", "output_type": "sentence",
        "will_be_spoken": True, "spoken_status": "in-progress",
        "spoken_progress": {"accumulated_text": "It is", "remaining_text": " ten."},
    }  # fmt: skip
    assert client.told(Response(reply=1, text="It is", final=False)) == []
    *rest, last, first_stop, second_stop = client.told(Response(reply=1, text="It is ten. Bye.", final=True))
    assert [each[1].get("spoken_status") for each in rest] == [None, "completed"]
    assert (last[1]["segment_id"], last[1]["spoken_status"]) == (1, "completed")
    assert (first_stop[0], second_stop[0]) == ("bot-llm-stopped", "bot-tts-stopped")
    (_, output) = client.told(Clause(reply=2, text="Next."))[-1]
    assert output["segment_id"] == 2, "segments are counted on"


def test_an_answer_that_is_cut_off_ends_where_it_was_heard() -> None:
    """Sound on its way is taken back, and the client's mark of what was heard goes back, too."""
    client = Client()
    client.told(State(state="speaking"), Clause(reply=1, text="It is ten."))
    client.told(Response(reply=1, text="It is", final=False))
    assert client.types(State(state="overlap"), Interrupted(reply=1)) == ["user-started-speaking", "bot-interrupted"]
    (_, output), *stops = client.told(Response(reply=1, text="It", final=True, interrupted=True))
    assert output["spoken_progress"] == {"accumulated_text": "It", "remaining_text": " is ten."}
    assert [kind for kind, _ in stops] == ["bot-llm-stopped", "bot-tts-stopped"]
    assert client.types(State(state="hearing")) == ["bot-stopped-speaking"]


def test_an_answer_that_nobody_has_heard_is_not_told() -> None:
    assert Client().told(Interrupted(reply=1), Response(reply=1, text="", final=True)) == []


def test_an_answer_that_began_on_another_connection() -> None:
    """What was heard of it is a segment by itself."""
    told = Client().told(Response(reply=4, text="It is", final=False), Response(reply=4, text="It is ten.", final=True))
    statuses = [(data["text"], data["spoken_status"]) for kind, data in told if kind == "bot-output"]
    assert statuses == [("It is", "new"), ("It is", "completed"), ("ten.", "new"), ("ten.", "completed")]


def test_segments_need_no_space_between_them() -> None:
    """A speech-to-speech model writes as its language does."""
    client = Client()
    clauses = [Clause(reply=1, text=text) for text in ("こんにちは。", "元気ですか。", "はい。", "Ten  o'clock.")]
    told = client.told(*clauses, Response(reply=1, text="こんにちは。元気", final=False))
    told += client.told(Response(reply=1, text="こんにちは。元気ですか。は", final=False))
    told += client.told(Response(reply=1, text="こんにちは。元気ですか。はい。\n\nTen", final=False))
    progress = [data.get("spoken_progress") for kind, data in told if kind == "bot-output"]
    heard = [each["accumulated_text"] for each in progress if each]
    assert heard == ["こんにちは。", "元気", "元気ですか。", "は", "はい。", "Ten"]


def test_clauses_behind_a_gap_are_not_told_too_early() -> None:
    """This connection was not told all clauses of the answer, so those that come are told when they are heard."""
    client = Client()
    client.told(Response(reply=1, text="One.", final=False), Clause(reply=1, text="Four."))
    told = client.told(Response(reply=1, text="One. Two. Three.", final=False))
    told += client.told(Response(reply=1, text="One. Two. Three. Four.", final=True))
    outputs = [data for kind, data in told if kind == "bot-output" and data["spoken_status"] == "completed"]
    assert [data["text"] for data in outputs] == ["Two. Three.", "Four."]


def test_segments_of_a_later_connection_have_numbers_of_their_own() -> None:
    """A page that connects again still shows the answers before."""
    client = Client()
    client.told(Hello(session_id="s", agent="Desk", resumed=True), Clause(reply=7, text="It is ten."))
    numbers = [data["segment_id"] for kind, data in client.told(Clause(reply=8, text="Bye.")) if kind == "bot-output"]
    assert numbers == [7_001]


def test_an_answer_whose_end_was_missed_ends_before_the_next() -> None:
    client = Client()
    client.told(Clause(reply=1, text="It is ten."))
    stops = ["bot-llm-stopped", "bot-tts-stopped", "bot-llm-started", "bot-tts-started"]
    assert client.types(Clause(reply=2, text="Bye."))[:4] == stops


def test_a_tool_of_the_client() -> None:
    client = Client()
    told = client.told(ToolCall(id="c1", name="look_up", arguments={"what": None}))
    assert told == [
        ("llm-function-call-started", {"function_name": "look_up"}),
        (
            "llm-function-call-in-progress",
            {"function_name": "look_up", "tool_call_id": "c1", "arguments": {"what": None}},
        ),
    ]
    result = {"function_name": "look_up", "tool_call_id": "c1", "arguments": {}, "result": {"is": 4}}
    heard, (stopped,) = client.says("llm-function-call-result", result)
    assert heard == [ToolResult(id="c1", output={"is": 4})]
    assert stopped["type"] == "llm-function-call-stopped"
    assert (stopped["data"]["cancelled"], stopped["data"]["result"]) == (False, {"is": 4})
    assert client.says("llm-function-call-result", result) == ([], []), "nobody waits any more"
    assert client.types(Response(reply=1, text="Four.", final=True, tools=["look_up"])).count(
        "llm-function-call-started"
    ) == 0, "it is not told twice"  # fmt: skip


def test_a_tool_of_the_client_that_nobody_waits_for() -> None:
    client = Client()
    client.told(ToolCall(id="c1", name="look_up"))
    call = {"function_name": "look_up", "tool_call_id": "c1", "cancelled": True}
    assert client.told(ToolCancelled(id="c1")) == [("llm-function-call-stopped", call)]


def test_tools_of_the_agent_are_told_once() -> None:
    client = Client()
    trio = ["llm-function-call-started", "llm-function-call-in-progress", "llm-function-call-stopped"]
    told = client.types(
        Response(reply=1, text="One", final=False, tools=["a"]), Response(reply=1, text="One.", final=True, tools=["a"])
    )
    assert [kind for kind in told if "function" in kind] == trio
    told = client.types(Response(reply=2, text="", final=True, tools=["a", "a"]))
    assert told == [*trio, *trio]


def test_an_answer_that_is_only_written() -> None:
    told = Client().told(Answered(id="written-1", text="At ten."))
    assert [kind for kind, _ in told] == ["bot-llm-started", "bot-llm-text", "bot-output", "bot-llm-stopped"]
    assert (told[2][1]["text"], told[2][1]["will_be_spoken"]) == ("At ten.", False)
    failed = Answered(id="written-1", text="The answer took too long.", ok=False)
    assert Client().told(failed) == [("server-message", failed.model_dump())]
    assert Client().types(Answered(id="own", text="At ten.")) == ["server-message"]


def test_figures_are_in_seconds() -> None:
    (told,) = Client().told(Metrics(reply=1, endpoint_ms=250, transcript_ms=200, first_packet_ms=310.2))
    assert told[1] == {
        "ttfb": [{"processor": "stt", "value": 0.2}, {"processor": "tts", "value": 0.3102}],
        "processing": [{"processor": "endpoint", "value": 0.25}],
    }


def test_what_rtvi_has_no_message_for() -> None:
    assert Client().told(Agent(agent="Bob")) == [("server-message", {"type": "agent", "agent": "Bob"})]


REPLIES = st.integers(1, 3)
TEXTS = st.sampled_from(["", "One.", "One. Two", "One. Two three.", "Four"])
MESSAGES = st.one_of(
    st.builds(Clause, reply=REPLIES, text=TEXTS),
    st.builds(Response, reply=REPLIES, text=TEXTS, final=st.booleans(), interrupted=st.booleans()),
    st.builds(Interrupted, reply=REPLIES),
    st.builds(Transcription, utterance=REPLIES, text=TEXTS, final=st.booleans()),
    st.builds(State, state=st.sampled_from(["listening", "hearing", "thinking", "speaking", "overlap"])),
)


@given(st.lists(MESSAGES, max_size=12))
def test_whatever_happens_both_sides_take_turns(messages: list[ServerMessage]) -> None:
    """Nobody starts twice or stops twice, no segment is told before it is new, and none goes on when it is complete."""
    client, speaking, segments = Client(), {"user": False, "bot": False}, dict[int, str]()
    for kind, data in client.told(*messages):
        if kind.endswith("ed-speaking"):
            who, _, what = kind.removesuffix("-speaking").partition("-")
            assert speaking[who] is (what == "stopped")
            speaking[who] = what == "started"
        elif kind == "bot-output":
            status = data["spoken_status"]
            assert (data["segment_id"] in segments) is (status != "new")
            assert segments.get(data["segment_id"]) != "completed"
            segments[data["segment_id"]] = status
