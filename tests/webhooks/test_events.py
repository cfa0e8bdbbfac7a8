import json
from dataclasses import fields, replace

from server.agent.hooks import CallEnd, CallExchange, CallTool
from server.record.conversation import Conversation, Exchange, Said, Standing, ToolUse, hash_token
from server.record.used import Used
from server.webhooks.events import Event, between, body, transcript_part, wants_transcript, with_transcript

NEW = Conversation("one", "Shop", 0, 0)
CONNECTED = NEW.with_token(hash_token("token"), 1)
LOOKED = ToolUse("look", '{"at":1}', "Found.")
CALL = {"id": "one"}


def exchange(text: str = "It is.", tools: tuple[ToolUse, ...] = ()) -> Exchange:
    return Exchange((Said("caller", "Is it?", 10, 20), Said("agent", text, 30, 40, tools=tools)))


def types(before: Conversation, after: Conversation) -> list[str]:
    return [event.type for event in between(before, after)]


def names(of: type) -> set[str]:
    return {field.name for field in fields(of)}


def test_a_call_starts_once() -> None:
    """When it is first connected, and not when it is connected again, here or on another server."""
    assert list(between(NEW, CONNECTED)) == [Event("call.started", {})]
    assert types(CONNECTED, CONNECTED.with_token("other", 2)) == []
    assert types(replace(CONNECTED, epoch=2), replace(CONNECTED, epoch=2).with_token("other", 2)) == []


def test_an_exchange_is_told_with_its_tools() -> None:
    """The fields are those of the agent's hooks, and the number of the exchange."""
    after = CONNECTED.with_exchange(exchange(tools=(LOOKED, LOOKED)), 2, "")
    first, second, told = between(CONNECTED, after)
    looked = {"name": "look", "arguments": '{"at":1}', "result": "Found."}
    assert first == second == Event("tool", {"tool": {"exchange": 1, **looked}})
    said = {
        "number": 1,
        "name": "",
        "caller": "Is it?",
        "agent": "It is.",
        "interrupted": False,
        "start_ms": 10,
        "end_ms": 40,
    }
    assert told == Event("exchange", {"exchange": {**said, "tools": (looked, looked)}})
    assert set(told.told["exchange"]) == {"number", "name"} | names(CallExchange)
    assert set(first.told["tool"]) == {"exchange"} | names(CallTool)


def test_a_hand_over_is_told_once() -> None:
    """A call begins with some agent, which is no hand-over."""
    first = CONNECTED.with_exchange(exchange(), 2, "", Standing(agent="desk"))
    second = first.with_agent("", Standing(agent="billing"), 3)
    assert types(CONNECTED, first) == ["exchange"]
    assert list(between(first, second)) == [Event("call.handed_over", {"hand_over": {"from": "desk", "to": "billing"}})]
    assert types(second, second.with_exchange(exchange("Hello."), 4, "", Standing(agent="billing"))) == ["exchange"]


def test_records_that_were_left_out_are_told() -> None:
    """All that is new in a record is told, in order."""
    after = CONNECTED.with_exchange(exchange("One."), 2, "").with_exchange(exchange("Two."), 3, "")
    told = [event.told["exchange"] for event in between(CONNECTED, after)]
    assert [(each["number"], each["agent"]) for each in told] == [(1, "One."), (2, "Two.")]


def test_a_correction_is_told_with_the_same_number() -> None:
    """What the caller heard less of, or a tool that returned late, is told; what changed for the model alone is not."""
    before = CONNECTED.with_exchange(exchange(), 2, "")
    shorter = list(between(before, before.with_amended(exchange("It"), 3, "")))
    assert [(each.told["exchange"]["number"], each.told["exchange"]["agent"]) for each in shorter] == [(1, "It")]
    assert types(before, before.with_amended(exchange(tools=(LOOKED,)), 3, "")) == ["tool", "exchange"]
    assert types(before, before.with_amended(replace(exchange(), messages=()), 3, "state")) == []


def test_a_result_that_comes_later_is_told() -> None:
    """A tool that went on in the background is told again with what it has returned, and the others are not."""
    waits = ToolUse("order", "{}", "It runs on.")
    before = CONNECTED.with_exchange(exchange(tools=(waits, LOOKED)), 2, "")
    after = before.with_amended(exchange(tools=(replace(waits, result="Ordered."), LOOKED)), 3, "")
    tool, _ = between(before, after)
    assert (tool.told["tool"]["name"], tool.told["tool"]["result"]) == ("order", "Ordered.")


def test_a_call_ends_once() -> None:
    """When all that it had started has ended, too. The figures are those of the agent's hooks."""
    over = CONNECTED.with_exchange(exchange(), 2, "").ended(3)
    closed = over.closed("caller", Used(1_500, 2, 30, 400, 5_000), 4)
    assert types(CONNECTED.with_exchange(exchange(), 2, ""), over) == []
    (ended,) = between(over, closed)
    assert ended.type == "call.ended"
    assert ended.told["end"] == {
        "reason": "caller", "exchanges": 1, "connected_s": 1.5, "requests": 2, "tokens": 30, "speech_s": 0.4,
        "transcription_s": 5.0,
    }  # fmt: skip
    assert set(ended.told["end"]) == names(CallEnd)
    assert types(closed, closed.with_amended(exchange("It"), 5, "")) == ["exchange"]


def test_the_end_is_sent_with_the_transcript() -> None:
    """The body stays JSON, whatever was said, and with no exchange at all."""
    ended = Event("call.ended", {"end": {"reason": "idle"}})
    text = body(ended, "now", CALL)
    assert wants_transcript(text)
    assert not wants_transcript(body(Event("exchange", {}), "now", CALL))
    odd = Exchange((Said("caller", 'a "]}" b\\ ✓', 1, 2),))
    told = json.loads(with_transcript(text, map(transcript_part, (odd, Exchange(()), exchange(tools=(LOOKED,))))))
    assert [said["text"] for said in told["data"]["transcript"]] == ['a "]}" b\\ ✓', "Is it?", "It is."]
    assert told["data"]["transcript"][2]["tools"] == [{"name": "look", "arguments": '{"at":1}', "result": "Found."}]
    assert told["data"]["end"] == {"reason": "idle"}
    assert json.loads(with_transcript(text, []))["data"]["transcript"] == []
