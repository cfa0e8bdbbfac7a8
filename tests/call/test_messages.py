import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from server.call.agent_messages import (
    MAX_NOTE_CHARS,
    MAX_OUTPUT_CHARS,
    Answered,
    Ask,
    Clause,
    Clear,
    Commit,
    Mute,
    Note,
    Respond,
    Say,
    ToolCall,
    ToolCancelled,
    ToolResult,
    Update,
)
from server.call.messages import (
    MAX_TEXT_CHARS,
    Agent,
    Audio,
    AudioFormat,
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
from server.call.options import MAX_INSTRUCTIONS_CHARS, MAX_REQUEST_CHARS, MAX_TOOLS, MAX_TOOLS_CHARS, ClientTool
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
    ToolCall(id="c1", name="look_up"),
    ToolCall(id="c1", name="look_up", arguments={"what": "prices", "how": None, "parts": [1, None]}),
    ToolCancelled(id="c1"),
    Answered(id="q1", text="No."),
    Answered(id="q1", text="It failed.", ok=False),
    Reconnect(),
    State(state="overlap"),
    Transcription(utterance=2, text="hi", final=True, pause_ms=300),
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
TOOL = ClientTool(
    name="look_up",
    description="Look something up.",
    parameters={"type": "object", "properties": {"what": {"enum": ["a", None], "default": None}}},
)
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
        instructions="Be short.",
        tools=(TOOL, ClientTool(name="now")),
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
    ToolResult(id="c1"),
    ToolResult(id="c1", output={"prices": [1, None, {"none": None}]}, ok=False),
    Update(),
    Update(voice="amy", temperature=None, tools=(TOOL,)),
    Update(instructions="Be short.", tools=(), temperature=0, max_tokens=9, language="de", patience="quick"),
    Note(text="My name is Ann."),
    Note(role="assistant", text="Hello Ann."),
    Respond(),
    Say(text="We close in five minutes."),
    Mute(),
    Mute(on=False),
    Commit(),
    Clear(),
    Ask(id="q1", text="Is it rude?"),
    Ask(id="q1", text="Is it rude?", history=False),
    Respond(instructions="Greet the caller."),
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


def test_one_channel_may_be_said() -> None:
    """A client may say that its sound is mono."""
    assert parse_client('{"type": "start", "audio": {"channels": 1}}')


def test_an_update_knows_what_it_changes() -> None:
    """What is left out stays as it is, and null goes back to what the server and the agent have set."""
    for text, changes in (
        ('{"type": "update"}', {}),
        ('{"type": "update", "temperature": null, "voice": "amy"}', {"temperature": None, "voice": "amy"}),
        ('{"type": "update", "tools": [], "x": 1}', {"tools": ()}),
    ):
        update = parse_client(text)
        assert isinstance(update, Update)
        assert update.changes == changes
        again = parse_client(update.to_json())
        assert isinstance(again, Update)
        assert again.changes == changes


def tools(*each: dict[str, Any]) -> str:
    return json.dumps({"type": "start", "tools": each})


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (tools({"name": "two words"}), r"start\.tools\.0\.name"),
        (tools({"name": "x" * 65}), r"start\.tools\.0\.name"),
        (tools({"description": "no name"}), r"start\.tools\.0\.name"),
        (tools({"name": "a"}, {"name": "a"}), "two tools have the same name"),
        (tools(*({"name": f"t{n}"} for n in range(MAX_TOOLS + 1))), r"start\.tools.*at most 64"),
        (tools({"name": "a", "description": "x" * MAX_TOOLS_CHARS}), f"more than {MAX_TOOLS_CHARS} characters"),
        (tools({"name": "a", "parameters": {"type": "string"}}), "schema of an object"),
        (tools({"name": "a", "parameters": {"default": float("nan")}}), "not JSON"),
        (tools({"name": "a", "parameters": []}), r"start\.tools\.0\.parameters"),
        (json.dumps({"type": "update", "instructions": "x" * (MAX_INSTRUCTIONS_CHARS + 1)}), "update.instructions"),
        (json.dumps({"type": "respond", "instructions": "x" * (MAX_INSTRUCTIONS_CHARS + 1)}), "respond.instructions"),
        (json.dumps({"type": "note", "text": "x" * (MAX_NOTE_CHARS + 1)}), "note.text"),
        ('{"type": "note", "text": " "}', "note.text"),
        ('{"type": "note", "role": "tool", "text": "x"}', "note.role"),
        ('{"type": "tool_result", "output": 1}', "tool_result.id"),
        ('{"type": "tool_result", "id": "a", "output": 1e999}', "not JSON"),
        (json.dumps({"type": "tool_result", "id": "a", "output": ["x" * MAX_OUTPUT_CHARS]}), "more than 32000"),
    ],
)
def test_what_a_client_brings_has_limits(data: str, complaint: str) -> None:
    """Tools have names that all providers take, and nothing is longer than a model should be given."""
    with pytest.raises(PeerError, match=complaint):
        parse_client(data)


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
        ('{"type": "start", "audio": {"channels": 2}}', "start.audio: .*mono"),
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
    {"type": st.sampled_from(["text", "interrupt", "hangup", "ping", "pong", "state", "note", "respond"])},
    optional={"text": JSON, "t": JSON},
)

BROUGHT = st.fixed_dictionaries(
    {"type": st.sampled_from(["tool_result", "update"])},
    optional={
        "id": JSON,
        "output": JSON,
        "ok": st.booleans() | JSON,
        "temperature": JSON,
        "tools": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(["a", "b", ""])}, optional={"parameters": JSON})
        ),
    },
)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200)
    | JSON.map(json.dumps)
    | TYPED.map(json.dumps)
    | BROUGHT.map(json.dumps)
)
def test_anything_is_a_message_or_a_peer_error(data: str | bytes) -> None:
    """Whatever a client sends is either a message, which makes the round trip, or raises PeerError."""
    try:
        message = parse_client(data)
    except PeerError:
        return
    assert isinstance(message, get_args(ClientMessage))
    assert parse_client(message.to_json()) == message
