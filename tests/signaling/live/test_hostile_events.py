"""Events of any kind, in any order: nothing raises, all that is told is valid, nothing grows without a limit. Pure."""

import base64
import json
import random
from typing import Any

import pytest

from server.call.agent_messages import ToolCall, ToolCancelled
from server.call.messages import Audio, Error, Hello, Response, State, Transcription, parse_client
from signaling.live.delegations import MAX_OPEN
from signaling.live.session_config import LiveConfig
from signaling.live.transcripts import MAX_REPLIES
from signaling.openai.refused import Refused
from signaling.openai.way import UPDATES_AT_ONCE
from tests.signaling.live.client import HELLO, RESPONSES, Client

STATES = ("listening", "hearing", "thinking", "speaking", "overlap", "closed")
VALUES: tuple[Any, ...] = (None, "", "x", -1, 1e308, [], {}, True, "é" * 300, [[[]]], {"type": "message"})
DELEGATIONS: tuple[Any, ...] = (None, {"type": "client"}, RESPONSES)
SESSIONS: tuple[Any, ...] = (
    {}, {"delegation": None}, {"delegation": {"type": "client"}}, {"delegation": RESPONSES}, {"triggers": []},
    {"delegation": {"type": "responses", "responses": {"instructions": "x"}}}, {"delegation": {"type": "responses"}},
    {"delegation": {"type": "responses", "responses": {"tools": None, "tool_choice": "none"}}}, {"store": True},
)  # fmt: skip
ITEMS: tuple[Any, ...] = (
    {"role": "user", "content": "hi"}, {"role": "developer", "content": "hi"}, {"role": "user", "content": []},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a"}, 5]},
    {"type": "function_call_output", "call_id": "c", "output": '{"a": NaN}'}, {"type": "reasoning"},
)  # fmt: skip


def an_event(chance: random.Random, ids: list[str]) -> Any:
    """An event of a client: a good one, a strange one, or no event at all."""
    delegation_id = chance.choice(ids) if ids and chance.random() < 0.7 else None
    content = {"content": chance.choice(("one", "two " * 900)), "delegation_id": delegation_id}
    event: Any = chance.choice((
        {"type": "session.update", "session": chance.choice(SESSIONS)},
        {"type": "session.input_audio.append", "audio": base64.b64encode(bytes(chance.randrange(9_000))).decode()},
        {"type": "session.input_audio.mute"}, {"type": "session.input_audio.unmute"},
        {"type": "session.instructions.append", **content}, {"type": "session.thinking.append", **content},
        {"type": "session.commentary.append", **content}, {"type": "response.create", "event_id": "e"},
        {"type": "response.item.create", "item": chance.choice(ITEMS)}, {"type": "response.create"},
        {"type": "session.close"}, {"type": "session.start", "session": {}}, {"type": "decision.create"},
    ))  # fmt: skip
    if chance.random() < 0.2:
        event = {**event, chance.choice([*event, "event_id", "item"]): chance.choice(VALUES)}
    return event if chance.random() < 0.95 else chance.choice(VALUES)


def a_happening(chance: random.Random) -> Any:
    """A message of our session, in no sensible order."""
    number, text = chance.randrange(1, 6), chance.choice(("", "one", "one two", "three"))
    return chance.choice((
        State(state=chance.choice(STATES)), State(state=chance.choice(STATES)), Audio(reply=number),
        Transcription(utterance=number, text=text, final=chance.random() < 0.5),
        Response(reply=number, text=text, final=chance.random() < 0.5),
        ToolCall(id=f"c{number}", name=chance.choice(("f", "delegate")), arguments={"a": None}),
        ToolCancelled(id=f"c{number}"), Error(code="model", message="It failed."), Hello(session_id="s", agent="a"),
    ))  # fmt: skip


def test_any_events_in_any_order() -> None:
    """Times never go back, and each response begins once and ends once."""
    for seed in range(60):
        chance = random.Random(seed)  # a test repeats what it did
        client = Client(on_webrtc=chance.random() < 0.5, delegation=chance.choice(DELEGATIONS), instructions="Be nice.")
        client.hear(Hello(session_id="s", agent="a"))
        for _ in range(100):
            client.now_ms += chance.randrange(200)
            ids = [event["delegation"]["id"] for event in client.events if "delegation" in event]
            if chance.random() < 0.5:
                client.send(json.dumps(an_event(chance, ids)), watches=chance.random() < 0.2)
            else:
                client.hear(a_happening(chance))
        for told in client.told:
            assert isinstance(told, bytes) or parse_client(json.dumps(told))
        check(client.events)


def check(events: list[dict[str, Any]]) -> None:
    opened, closed = set[str](), 0
    for event in events:
        if "start_ms" in event:
            assert 0 <= event["start_ms"] <= event["end_ms"]
        if event["type"] == "session.closed":
            closed += 1
        if event["type"] == "response.event":
            nested = event["event"]
            if nested["type"] == "response.created":
                assert nested["response"]["id"] not in opened
                opened.add(nested["response"]["id"])
            elif nested["type"] == "response.completed":
                opened.remove(nested["response"]["id"])
    assert closed <= 1


def test_bytes_that_are_no_events() -> None:
    chance = random.Random(1)
    client = Client()
    for size in range(500):
        assert client.send(chance.randbytes(size % 40)) == ["error"]
    assert client.send("[" * 100_000) == ["error"]
    assert client.told == []


def test_sessions_of_any_kind() -> None:
    """One that cannot be used is refused, and names the field."""
    chance, good = random.Random(2), {"model": "gpt-live-1", "delegation": RESPONSES, "instructions": "Be nice."}
    names = [*good, "audio", "input", "client", "store", "triggers", "safety_identifier"]
    params = []
    for _ in range(500):
        given = {**good, chance.choice(names): chance.choice(VALUES), chance.choice(names): chance.choice(VALUES)}
        try:
            LiveConfig(given, chance.random() < 0.5, 0, 0)
        except Refused as error:
            params.append(str(error.param))
    assert 100 < len(params) < 490
    assert all(param.startswith("session") for param in params)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("", "session"), ({}, "session.model"), ({"delegation": {"type": "decisions"}}, "session.delegation.type"),
        ({"triggers": [{}]}, "session.triggers"), ({"instructions": "x" * 20_000}, "session"),
        ({"audio": {"format": {"type": "audio/pcm", "rate": 8000}}}, "session.audio.format.rate"),
        ({"audio": {"output": {"voice": "\n"}}}, "session.audio.output.voice"),
        ({"delegation": {"type": "responses", "responses": {"tools": [{"type": "web_search"}]}}},
         "session.delegation.responses.tools"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}] * 129}, "session.input"),
    ],
)  # fmt: skip
def test_sessions_that_are_refused(given: Any, param: str) -> None:
    with pytest.raises(Refused) as caught:
        LiveConfig({"model": "m", **given} if given else given, False, 0, 0)
    assert caught.value.param == param


def test_nothing_grows_without_a_limit() -> None:
    client = Client(delegation=RESPONSES)
    for number in range(MAX_OPEN + 50):
        client.hear(ToolCall(id=f"c{number}", name="f"), Response(reply=number, text="One.", final=False))
    translator: Any = client.translator
    assert len(translator._delegations._waiting) == MAX_OPEN
    assert len(translator._transcripts._told) == MAX_REPLIES
    item = {"role": "user", "content": "x"}
    assert [client.say("response.item.create", item=item) for _ in range(80)].count(["error"]) == 16


def test_the_session_is_not_changed_too_often() -> None:
    """Each change of a large session costs some ms. After a while the client may change it again."""
    client = Client(delegation=RESPONSES)
    client.hear(HELLO, State(state="listening"))
    for _ in range(UPDATES_AT_ONCE + 1):
        client.say("session.update", session={"delegation": RESPONSES})
    assert [event["type"] for event in client.events][-2:] == ["session.updated", "error"]
    client.now_ms += 1_000
    assert client.say("session.update", session={"delegation": RESPONSES}) == ["session.updated"]
