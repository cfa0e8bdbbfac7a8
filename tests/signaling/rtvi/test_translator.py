"""A client of RTVI on a data channel and on a WebSocket: how it begins and ends, and anything that it may send."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.agent_messages import Clause, ToolCall
from server.call.line.translator import Read
from server.call.messages import (
    Error,
    Interrupt,
    Response,
    State,
    Transcription,
)
from signaling.rtvi.frames import Message as Framed
from signaling.rtvi.frames import message_frame, read_frame, sound_frame
from signaling.rtvi.translator import MAX_HELD, FramedRtvi, Rtvi, recognize
from tests.signaling.rtvi.client import HELLO, NOW, READY, Client, message


def test_the_client_is_told_when_it_is_ready() -> None:
    """`bot-ready` has the id of `client-ready`. What happened before comes after it."""
    client = Client(ready=False)
    assert client.told(HELLO, State(state="speaking")) == []
    _, (ready, session, speaking) = client.says("client-ready", READY)
    assert (ready["type"], ready["id"], ready["data"]["version"]) == ("bot-ready", "1", "2.2.0")
    assert session["data"] == {**HELLO.model_dump(exclude_none=True)}
    assert speaking == {"label": "rtvi-ai", "type": "bot-started-speaking"}


def test_a_client_that_is_ready_late_is_told_its_session() -> None:
    """What it needs to come back is kept, and as much of the rest as has room."""
    client = Client(ready=False)
    client.told(HELLO)
    for utterance in range(MAX_HELD):
        client.told(Transcription(utterance=utterance, text="hm", final=True))
    _, (_, session, *rest) = client.says("client-ready", READY)
    assert session["data"]["resume"] == HELLO.resume
    assert len(rest) == MAX_HELD - 1
    assert rest[-1]["type"] == "user-llm-text"


def test_a_later_connection_of_a_call() -> None:
    """On it the client is not ready again, and only sends pings. That it has the call now is no error."""
    client = Client(ready=False)
    assert client.told(HELLO, State(state="speaking")) == []
    read = client.rtvi.read("ping: 1")
    assert [json.loads(str(answer))["type"] for answer in read.answers] == ["server-message", "bot-started-speaking"]
    assert client.told(Error(code="superseded", message="It goes on elsewhere.", final=True)) == []


def test_another_version_is_told_and_goes_on() -> None:
    _, answers = Client(ready=False).says("client-ready", {"version": "9.0.0"})
    assert [answer["type"] for answer in answers] == ["bot-ready", "error-response"]


def test_a_client_of_the_version_before_is_told_what_is_spoken_in_its_own_way() -> None:
    client = Client(ready=False)
    client.told(Clause(reply=1, text="It is ten."), Response(reply=1, text="It is", final=False))
    _, (_, *held) = client.says("client-ready", {"version": "1.2.0"})
    told = client.told(Response(reply=1, text="It is ten.", final=True))
    shown = [each.get("data") for each in held if each["type"] == "bot-output"]
    shown += [data for kind, data in told if kind == "bot-output"]
    output = {"text": "It is ten.", "aggregated_by": "sentence"}
    assert shown == [{**output, "spoken": False}, {**output, "spoken": True}]


def test_a_refusal_does_not_wait_for_the_client() -> None:
    assert Client(ready=False).told(Error(code="at_capacity", message="Full.", final=True)) == [
        ("error", {"error": "Full.", "message": "Full.", "code": "at_capacity", "fatal": True})
    ]


def test_the_end() -> None:
    """The WebRTC transport is told that the agent has left, so that it does not connect again."""
    items = Client().rtvi.write(State(state="closed"))
    assert json.loads(items[-1]) == {"type": "signalling", "message": {"type": "peerLeft"}}


@pytest.mark.parametrize("kind", ["client-ready", "client-message", "send-text", "nope"])
@pytest.mark.parametrize("given", ["", "a" * 300, 0, 7, "\u00fc", None, True, {"a": 1}, [1]])
def test_an_answer_has_the_id_of_the_message(kind: str, given: Any) -> None:
    """The client finds its message by it, so it comes back as it was sent. What is no id does not."""
    read = Rtvi(lambda: NOW).read(message(kind, {"t": "interrupt"}, given))
    answer = json.loads(str(read.answers[0]))
    assert answer.get("id") == (given if isinstance(given, str) or (given in (0, 7) and given is not True) else None)


def test_a_page_may_send_messages_of_its_own_on_the_channel() -> None:
    """The label tells whose they are."""
    assert Client().rtvi.read('{"label":"mine","type":"send-text","data":{"content":"Hi"}}') == Read()
    assert Client().rtvi.read('{"label":5,"type":"send-text"}').answers
    assert Client().rtvi.read('{"type":"send-text"}').answers


@pytest.mark.parametrize("text", ["ping: 1795924845153", '{"type":"signalling","message":{"type":"trackStatus"}}'])
def test_signs_of_life_and_tracks_tell_nothing(text: str) -> None:
    read = Client().rtvi.read(text)
    assert not read.told
    assert not read.answers


def test_the_first_message_shows_who_speaks_rtvi() -> None:
    def speaks(first: str | bytes) -> bool:
        return recognize(lambda: NOW, first) is not None

    assert speaks("ping: 1")
    assert speaks('{"type":"signalling","message":{}}')
    assert speaks(message("client-ready", READY))
    assert not speaks('{"type":"ping","t":1}')
    assert not speaks('{"type":"text","text":"hello"}')
    assert not speaks('{"type":"text","text":"hello","label":"mine"}')
    assert not speaks(b"\xff\xfe")
    assert not speaks("[" * 100_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    ["client-ready", "send-text", "dtmf", "client-message", "append-to-context", "llm-function-call-result", "x"]
)
FIELDS = st.sampled_from(["content", "options", "buttons", "t", "d", "role", "tool_call_id", "result", "version"])


@given(st.lists(st.tuples(KINDS, st.dictionaries(FIELDS, JSON, max_size=4)), max_size=6))
def test_any_message_is_taken_or_refused(said: list[tuple[str, Any]]) -> None:
    """Whatever a client sends: what the call is told is of our protocol, and what the client is told is JSON."""
    client = Client(ready=False)
    client.told(ToolCall(id="c1", name="look_up"))
    for kind, data in said:
        client.says(kind, data)


@given(st.text(max_size=40) | st.binary(max_size=40) | JSON.map(json.dumps))
def test_anything_else_is_refused(item: str | bytes) -> None:
    read = Rtvi(lambda: NOW).read(item)
    assert not read.told
    assert all(json.loads(answer) for answer in read.answers)


class TestFrames:
    """The same client on a WebSocket."""

    def test_messages_and_sound_are_in_frames(self) -> None:
        rtvi = FramedRtvi(lambda: NOW)
        read = rtvi.read(message_frame(message("client-ready", READY)))
        (ready,) = read.answers
        assert isinstance(ready, bytes)
        frame = read_frame(ready)
        assert isinstance(frame, Framed)
        assert json.loads(frame.text)["type"] == "bot-ready"
        assert rtvi.read(sound_frame(b"\1\0", 16_000)).told == [b"\1\0"]
        assert rtvi.say(b"\1\0") == [sound_frame(b"\1\0", 24_000)]
        assert all(isinstance(item, bytes) for item in rtvi.write(HELLO))
        assert rtvi.read(b"\x2a\x00").told == [Interrupt().to_json()]

    def test_other_sound_is_refused_once(self) -> None:
        rtvi = FramedRtvi(lambda: NOW)
        assert len(rtvi.read(sound_frame(b"\1\0", 48_000)).answers) == 1
        assert rtvi.read(sound_frame(b"\1\0", 48_000)) == type(rtvi.read("x"))()

    @given(st.binary(max_size=60) | st.text(max_size=10))
    def test_anything_is_taken_or_refused(self, item: str | bytes) -> None:
        FramedRtvi(lambda: NOW).read(item)


@pytest.mark.parametrize(
    "text",
    [
        '{"label":"rtvi-ai","type":"nope","id":"\\ud800","data":{}}',
        '{"label":"rtvi-ai","type":"\\ud800","id":"1","data":{}}',
        '{"label":"rtvi-ai","type":"client-ready","id":"1","data":{"version":"\\ud800"}}',
    ],
)
def test_half_a_surrogate_pair(text: str) -> None:
    """It comes back in no answer, because no message can carry it."""
    [answer] = Client().rtvi.read(text).answers
    assert json.loads(str(answer).encode())["data"]["error"] == "This is not JSON."
