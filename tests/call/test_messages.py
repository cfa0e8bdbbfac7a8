import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from server.call.messages import (
    MAX_TEXT_CHARS,
    Agent,
    Audio,
    AudioFormat,
    Clause,
    ClientMessage,
    Dtmf,
    Error,
    HangUp,
    Heard,
    Hello,
    Interrupt,
    Interrupted,
    Metrics,
    Ping,
    Played,
    Pong,
    Reconnect,
    Response,
    ServerMessage,
    Start,
    State,
    Text,
    Transcription,
    Transfer,
    Transferred,
    parse_client,
)
from server.call.options import MAX_REQUEST_CHARS
from server.errors import PeerError

SERVER: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)

TO_CLIENT: list[ServerMessage] = [
    Hello(session_id="abc", agent="Ann"),
    Hello(session_id="abc", agent="Ann", resume="secret", resumed=True, audio=AudioFormat(encoding="opus")),
    Audio(reply=1),
    Interrupted(reply=1),
    Agent(agent="Billing"),
    Transfer(to="sip:ann@example.org"),
    Transfer(to="+49301234", note="wants a refund"),
    Reconnect(),
    State(state="overlap"),
    Transcription(utterance=1, text="hello", final=False),
    Response(reply=1, text="Hi.", final=True),
    Response(reply=1, text="Hi.", final=True, interrupted=True, tools=["find_order"]),
    Clause(reply=1, text="Hi."),
    Metrics(reply=1),
    Metrics(reply=1, endpoint_ms=1, transcript_ms=2, first_token_ms=3, first_clause_ms=4, first_packet_ms=5.5),
    Error(code="engine_failed", message="Sorry."),
    Error(code="engine_failed", message="Sorry.", final=True),
    Ping(),
    Ping(t=1.5),
    Pong(t=1.5),
]
TO_SERVER: list[ClientMessage] = [
    Start(),
    Start(
        audio=AudioFormat(encoding="pcmu", sample_rate=8000),
        resume="secret",
        model="openai-chat:gpt-5-mini",
        temperature=0.5,
        max_tokens=100,
        voice="amy",
        language="de-AT",
    ),
    Start.model_validate({"page": "prices", "basket": [1, {"id": None}]}),
    Text(text="hello"),
    Played(reply=1, ms=120.5),
    Heard(reply=1, gap_ms=310),
    Interrupt(),
    Dtmf(digit="#"),
    Dtmf(digit="0"),
    Transferred(ok=True),
    Transferred(ok=False, reason="busy"),
    HangUp(),
    Ping(),
    Ping(t=1.5),
    Pong(t=-1),
]


def test_every_message_is_here() -> None:
    """The round trips below cover every message."""
    assert {type(message) for message in TO_CLIENT} == set(get_args(ServerMessage))
    assert {type(message) for message in TO_SERVER} == set(get_args(ClientMessage))


@pytest.mark.parametrize("message", TO_CLIENT)
def test_server_messages_round_trip(message: ServerMessage) -> None:
    """A client reads what the server has sent, and every message names its type."""
    assert SERVER.validate_json(message.to_json()) == message
    assert json.loads(message.to_json())["type"] == message.type


@pytest.mark.parametrize("message", TO_SERVER)
@pytest.mark.parametrize("encode", [str, str.encode])
def test_client_messages_round_trip(message: ClientMessage, encode: Any) -> None:
    """The server reads what the client has sent, as text or as bytes."""
    assert parse_client(encode(message.to_json())) == message


def test_what_is_unknown_is_left_out() -> None:
    """Stages that were not reached are left out of the JSON."""
    told = json.loads(Metrics(reply=1, endpoint_ms=2).to_json())
    assert told == {"type": "metrics", "reply": 1, "attempts": 1, "endpoint_ms": 2}


def test_fields_of_a_later_version_are_ignored() -> None:
    """A newer client may send fields that this server does not know."""
    assert parse_client('{"type": "interrupt", "reason": "bored"}') == Interrupt()


def test_a_start_has_fields_for_the_agent() -> None:
    """They are those that the server does not read, and they have to be JSON and short."""
    start = parse_client('{"type": "start", "voice": "amy", "page": "prices", "own": 1}')
    assert isinstance(start, Start)
    assert start.own == {"page": "prices", "own": 1}
    assert Start(voice="amy").own == {}
    room = MAX_REQUEST_CHARS - len('{"note":""}')
    assert parse_client(json.dumps({"type": "start", "note": "é" * room}))
    for wrong in (json.dumps({"type": "start", "note": "é" * (room + 1)}), '{"type": "start", "a": [NaN]}'):
        with pytest.raises(PeerError, match=r"start.*(more than 4000 characters|not JSON)"):
            parse_client(wrong)


def test_typed_text_is_trimmed() -> None:
    """White space around typed words is removed."""
    assert parse_client('{"type": "text", "text": " hello\\n"}') == Text(text="hello")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("", "Invalid JSON"),
        ("[" * 10_000, "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        ("\ud800", "unicode"),
        ("null", "object"),
        ("{}", "type"),
        ('{"type": "hello"}', "no such type"),
        ('{"type": "session", "session_id": "a", "agent": "b"}', "no such type"),
        ('{"type": "text"}', "text.text: Field required"),
        ('{"type": "text", "text": ""}', "text.text"),
        ('{"type": "text", "text": "  "}', "text.text"),
        (json.dumps({"type": "text", "text": "x" * (MAX_TEXT_CHARS + 1)}), "text.text"),
        ('{"type": "ping", "t": NaN}', "ping.t"),
        ('{"type": "ping", "t": 1e999}', "ping.t"),
        ('{"type": "ping", "t": -1e16}', "ping.t"),
        ('{"type": "pong", "t": 1e308}', "pong.t"),
        ('{"type": "heard", "reply": 1, "gap_ms": 1e308}', "heard.gap_ms"),
        ('{"type": "heard", "reply": 4294967296, "gap_ms": 1}', "heard.reply"),
        ('{"type": "heard", "reply": -1, "gap_ms": 1}', "heard.reply"),
        (f'{{"type": "heard", "reply": {"9" * 60_000}, "gap_ms": 1}}', "Invalid JSON"),
        ('{"type": "played", "reply": 1, "ms": 1e308}', "played.ms"),
        ('{"type": "played", "reply": 1, "ms": -0.1}', "played.ms"),
        (f'{{"type": "text", "text": "a", "x": {"[" * 30_000}{"]" * 30_000}}}', "Invalid JSON"),
        ('{"type": "text", "text": "\\ud800"}', "Invalid JSON"),
    ],
)
def test_what_is_wrong_is_said(data: str | bytes, complaint: str) -> None:
    """A client that breaks the protocol is told what is wrong with its message."""
    with pytest.raises(PeerError, match=complaint):
        parse_client(data)


def test_complaints_do_not_repeat_what_was_sent() -> None:
    """The complaint is a short sentence, and quotes nothing of what the client has sent."""
    with pytest.raises(PeerError) as caught:
        parse_client(json.dumps({"type": "secret" * 1000}))
    assert len(str(caught.value)) < 200
    assert "secret" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "t", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)
TYPED = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "interrupt", "hangup", "ping", "pong", "state"])},
    optional={"text": JSON, "t": JSON},
)


@given(st.binary(max_size=200) | st.text(max_size=200) | JSON.map(json.dumps) | TYPED.map(json.dumps))
def test_anything_is_a_message_or_a_peer_error(data: str | bytes) -> None:
    """Whatever a client sends is either a message, which makes the round trip, or raises PeerError."""
    try:
        message = parse_client(data)
    except PeerError:
        return
    assert isinstance(message, get_args(ClientMessage))
    assert parse_client(message.to_json()) == message
