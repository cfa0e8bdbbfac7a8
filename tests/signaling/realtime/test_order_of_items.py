"""In which order our session is told what a client puts into the conversation, and what late results become. Pure."""

from typing import Any

from server.call.agent_messages import Answered, ToolCall, ToolCancelled
from server.call.messages import Audio, Interrupted, State
from tests.signaling.realtime.client import Client
from tests.signaling.realtime.events import CREATED, DELTA, DONE, OPENS, say


def put(client: Client, text: str, role: str = "user", after: str | None = None) -> None:
    """Put a message behind the item `after`. Its id is its text."""
    item = {"id": text, "type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}
    client.say("conversation.item.create", item=item, previous_item_id=after)


def give(client: Client, call_id: str) -> None:
    """Give the result of a function."""
    item = {"type": "function_call_output", "call_id": call_id, "output": "12"}
    client.say("conversation.item.create", item=item)


def told(client: Client) -> list[tuple[Any, ...]]:
    return [tuple(each[name] for name in ("type", "role", "text", "output") if name in each) for each in client.told]


def test_what_waits_is_in_the_order_of_the_conversation() -> None:
    """The model is asked what is last in it, and not what was put in last."""
    client = Client()
    put(client, "third")
    put(client, "first", after="root")
    put(client, "second", after="first")
    put(client, "rule", role="system", after="first")
    client.say("response.create")
    assert told(client) == [
        ("note", "user", "first"), ("note", "system", "rule"), ("note", "user", "second"), ("text", "third"),
    ]  # fmt: skip


def test_a_question_beside_the_talk_knows_what_waits() -> None:
    """It is in the conversation, although no response was created for it. The next response answers it."""
    client = Client()
    put(client, "hello")
    client.say("response.create", response={"conversation": "none", "instructions": "Is it rude?"})
    assert [each["type"] for each in client.told] == ["note", "ask"]
    client.hear(Answered(id=client.told[-1]["id"], text="No."))
    client.say("response.create")
    assert client.told[-1]["type"] == "respond"


def called(client: Client) -> None:
    """The agent says something and calls a function, which the client runs."""
    client.hear(State(state="hearing"), State(state="thinking"), Audio(reply=1))
    client.sound()
    client.hear(say("One moment."), ToolCall(id="c1", name="f"))
    client.told.clear()


def test_words_beside_the_result_of_a_function_are_asked() -> None:
    """The reply that would go on gives way to one that knows both. What is left of it is told no more."""
    client = Client()
    called(client)
    give(client, "c1")
    put(client, "and tomorrow")
    assert client.say("response.create") == [CREATED]
    assert told(client) == [("tool_result", 12), ("text", "and tomorrow")]
    late = [Interrupted(reply=1), say("One moment. It", final=True, interrupted=True), Audio(reply=2)]
    assert client.hear(*late) == []
    assert client.sound() == [*OPENS, DELTA]
    client.hear(say("Both.", reply=2, final=True))
    assert client.last(DONE)["response"]["output"][0]["content"][0]["transcript"] == "Both."


def test_a_result_for_which_nobody_waits_any_more_goes_into_the_history() -> None:
    """Such as when the caller has interrupted meanwhile. A response that is created then answers it."""
    client = Client()
    called(client)
    client.hear(ToolCancelled(id="c1"), Interrupted(reply=1), say("One moment.", final=True, interrupted=True))
    give(client, "c1")
    assert client.say("response.create") == [CREATED]
    assert told(client) == [("note", "system", "(The function has returned 12.)"), ("respond",)]
