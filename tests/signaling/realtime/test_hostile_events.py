"""Events of any kind, in any order: nothing raises, all that is told is valid, nothing grows without a limit. Pure."""

import base64
import json
import random
from typing import Any

from server.call.agent_messages import ToolCall
from server.call.messages import Audio, Error, Hello, Interrupted, Response, State, Transcription, parse_client
from signaling.json_values import MAX_DEPTH, MAX_VALUES
from signaling.openai.told import MAX_WAITING
from signaling.openai.way import UPDATES_AT_ONCE
from signaling.realtime.items import MAX_CHARS, MAX_ITEMS, Items
from signaling.realtime.ledgers import MAX_LEDGERS
from tests.signaling.realtime.client import Client

STATES = ("listening", "hearing", "thinking", "speaking", "overlap", "closed")
VALUES: tuple[Any, ...] = (None, "", "x", -1, 1e308, [], {}, True, "é" * 300, [[[]]], {"type": "message"}, "item_n0004")
ITEMS: tuple[Any, ...] = (
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "hi"}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]},
    {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": '{"a": NaN}'},
    {"type": "item_reference", "id": "x"},
)
SESSIONS: tuple[Any, ...] = (
    {"output_modalities": ["text"]}, {"output_modalities": ["audio"]}, {"type": "transcription"}, {"type": "realtime"},
    {"audio": {"input": {"turn_detection": None, "transcription": {"model": "x"}}}}, {"tools": None}, {"audio": None},
    {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}, "format": {"type": "audio/pcmu"}}}},
    {"audio": {"output": {"voice": {"id": "v"}, "format": None}}}, {"instructions": "Be nice."},
)  # fmt: skip


def an_event(chance: random.Random, ids: list[str]) -> Any:
    """An event of a client: a good one, a strange one, or no event at all."""
    item_id = chance.choice(ids) if ids and chance.random() < 0.7 else "none"
    event: Any = chance.choice((
        {"type": "session.update", "session": chance.choice(SESSIONS)},
        {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(chance.randrange(9_000))).decode()},
        {"type": "input_audio_buffer.commit"}, {"type": "input_audio_buffer.clear"},
        {"type": "output_audio_buffer.clear"},
        {"type": "conversation.item.create", "item": chance.choice(ITEMS)},
        {"type": "conversation.item.create", "item": chance.choice(ITEMS), "previous_item_id": item_id},
        {"type": "conversation.item.retrieve", "item_id": item_id},
        {"type": "conversation.item.delete", "item_id": item_id},
        {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0,
         "audio_end_ms": chance.randrange(3_000)},
        {"type": "response.create"}, {"type": "response.create", "response": {"instructions": "Be short."}},
        {"type": "response.create", "response": {"conversation": "none"}}, {"type": "response.cancel"},
    ))  # fmt: skip
    if chance.random() < 0.2:
        event = {**event, chance.choice([*event, "event_id", "response", "item"]): chance.choice(VALUES)}
    return event if chance.random() < 0.95 else chance.choice(VALUES)


def a_happening(chance: random.Random) -> Any:
    """A message of our session, in no sensible order."""
    number, text = chance.randrange(1, 6), chance.choice(("", "one", "one two", "three"))
    return chance.choice((
        State(state=chance.choice(STATES)), State(state=chance.choice(STATES)), Audio(reply=number),
        Transcription(utterance=number, text=text, final=chance.random() < 0.5), Interrupted(reply=number),
        Response(reply=number, text=text, final=chance.random() < 0.5, interrupted=chance.random() < 0.3),
        ToolCall(id="c", name="f", arguments={"a": None}), Error(code="model", message="It failed."),
        Hello(session_id="s", agent="a"),
    ))  # fmt: skip


def test_any_events_in_any_order() -> None:
    """Each response begins once, ends once, and is the only one; its items are opened before they are closed."""
    for seed in range(60):
        chance = random.Random(seed)  # a test repeats what it did
        client = Client(on_webrtc=chance.random() < 0.5)
        for _ in range(100):
            client.now_ms += chance.randrange(200)
            ids = [event["item"]["id"] for event in client.events if event["type"] == "conversation.item.added"]
            step = chance.random()
            if step < 0.5:
                client.send(json.dumps(an_event(chance, ids)))
            elif step < 0.8:
                client.hear(a_happening(chance))
            elif not client.translator._way.on_webrtc:
                client.sound(chance.randrange(4))
        for told in client.told:
            assert isinstance(told, bytes) or parse_client(json.dumps(told))
        check_order(client.events)


def check_order(events: list[dict[str, Any]]) -> None:
    present, opened = None, set[str]()
    for event in events:
        match event["type"]:
            case "response.created" | "response.done" if event["response"]["conversation_id"] is None:
                pass
            case "response.created":
                assert present is None
                present = event["response"]["id"]
            case "response.done":
                assert event["response"]["id"] == present
                assert event["response"]["status"] != "in_progress"
                assert not opened
                present = None
            case "response.output_item.added":
                assert event["response_id"] == present
                opened.add(event["item"]["id"])
            case "response.output_item.done":
                opened.remove(event["item"]["id"])
            case "response.output_audio.delta" | "response.output_audio_transcript.delta":
                assert event["response_id"] == present
                assert event["item_id"] in opened


def test_bytes_that_are_no_events() -> None:
    chance = random.Random(1)
    client = Client()
    for size in range(500):
        assert client.send(chance.randbytes(size % 40)) == ["error"]
    assert client.send("[" * 100_000) == ["error"]
    assert client.told == []


def test_nothing_grows_without_a_limit() -> None:
    client = Client()
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    for _ in range(MAX_WAITING):
        client.say("conversation.item.create", item=item)
    assert client.say("conversation.item.create", item=item) == ["error"]
    for number in range(1, MAX_ITEMS + 50):
        client.events.clear()
        client.hear(Audio(reply=number))
        client.sound()
        client.hear(Response(reply=number, text="One.", final=True))
    translator: Any = client.translator
    assert len(translator._items._items) == MAX_ITEMS
    assert len(translator._speaking._ledgers._ledgers) == MAX_LEDGERS
    assert client.say("session.update", session={"instructions": "x" * 200_000}) == ["error"]


def refused(text: str) -> Any:
    """The error with which a client's event is answered, and which can be sent."""
    client = Client()
    client.send(text)
    (event,) = client.events
    assert event["type"] == "error"
    json.dumps(event, ensure_ascii=False).encode()
    return event["error"]


def test_what_costs_too_much_or_cannot_be_sent_is_refused() -> None:
    """The client is told at once. Nothing of it is kept, and the call goes on."""
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    wide = ",".join(["[]"] * MAX_VALUES)
    half = '"\\ud800"'
    for value, code in ((deep, "too_large"), (f"[{wide}]", "too_large"), (half, "invalid_json")):
        assert refused(f'{{"type":"session.update","session":{{"x":{value}}}}}')["code"] == code
    assert refused(f'{{"type":"no such","event_id":{half}}}')["code"] == "invalid_json"
    tool = {"type": "function", "name": "no name"}
    assert "tools.0.name" in refused(json.dumps({"type": "session.update", "session": {"tools": [tool]}}))["param"]
    output = {"type": "function_call_output", "call_id": "c", "output": "x" * 40_000}
    assert refused(json.dumps({"type": "conversation.item.create", "item": output}))["code"] == "too_large"
    words = {"type": "message", "role": "user", "content": [{"type": "input_text", "transcript": "x" * 9_000}]}
    assert refused(json.dumps({"type": "conversation.item.create", "item": words}))["code"] == "too_large"
    metadata = {"type": "response.create", "response": {"metadata": {"a": "x" * 1_000}}}
    assert refused(json.dumps(metadata))["param"] == "response.metadata.a"


def test_the_output_of_a_function_may_be_any_text() -> None:
    """Our session gets it as JSON that it takes."""
    for output in ('"\\ud800"', "1e999", "NaN", "[" * 400 + "]" * 400):
        client = Client()
        client.hear(ToolCall(id="c", name="f", arguments={}))
        item = {"type": "function_call_output", "call_id": "c", "output": output}
        client.say("conversation.item.create", item=item)
        assert parse_client(json.dumps(client.told[-1])).type == "tool_result"


def test_the_session_is_not_changed_too_often() -> None:
    """Each change of a large session costs some ms. After a while the client may change it again."""
    client = Client()
    update = json.dumps({"type": "session.update", "session": {"instructions": "Be nice."}})
    for _ in range(UPDATES_AT_ONCE + 1):
        client.send(update)
    assert [event["type"] for event in client.events][-2:] == ["session.updated", "error"]
    client.now_ms += 1_000
    client.send(update)
    assert client.events[-1]["type"] == "session.updated"


def test_long_items_are_forgotten_early() -> None:
    items, text = Items(), "x" * (MAX_CHARS // 10)
    for number in range(12):
        items.add({"id": str(number), "text": text})
    assert "0" not in items
    assert "11" in items
