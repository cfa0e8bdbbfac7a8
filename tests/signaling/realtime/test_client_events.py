"""What becomes of the events of a client of the OpenAI Realtime API. Pure."""

import json
from typing import Any

import pytest

from server.call.agent_messages import Answered, ToolCall
from server.call.messages import (
    Audio,
    Interrupted,
    State,
    Transcription,
    parse_client,
)
from tests.signaling.realtime.client import Client
from tests.signaling.realtime.events import (
    CALLS,
    CLOSES,
    CREATED,
    DELTA,
    DONE,
    OPENS,
    WORDS,
    say,
    speaking,
)


def test_a_client_cancels() -> None:
    client = Client()
    assert client.say("response.cancel", event_id="mine") == ["error"]
    error = client.last("error")["error"]
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "mine")
    speaking(client)
    client.told.clear()
    assert client.say("response.cancel") == []
    assert client.told == [{"type": "interrupt"}]
    client.hear(Interrupted(reply=1), say("Hello", final=True, interrupted=True), State(state="listening"))
    assert client.last(DONE)["response"]["status_details"]["reason"] == "client_cancelled"


def test_a_client_truncates_what_it_has_not_played() -> None:
    """Words that were not heard after so much sound leave the item, and our session is told how far it was heard."""
    client = Client()
    item_id = speaking(client)
    client.told.clear()
    assert client.say("conversation.item.truncate", item_id=item_id, audio_end_ms=2000) == ["error"]
    types = client.say("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=700)
    assert types == ["conversation.item.truncated"]
    assert client.told == [{"type": "played", "reply": 1, "ms": 700.0}, {"type": "interrupt"}]
    client.hear(Interrupted(reply=1), say("Hello there", final=True, interrupted=True))
    client.say("conversation.item.truncate", item_id=item_id, audio_end_ms=700)
    client.say("conversation.item.retrieve", item_id=item_id)
    assert client.last("conversation.item.retrieved")["item"]["content"][0]["transcript"] == "Hello"


def test_words_that_a_client_puts_in_are_asked_when_it_wants_a_response() -> None:
    client = Client()
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Are you open?"}]}
    assert client.say("conversation.item.create", item=item) == [
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert client.told == []
    assert client.say("response.create") == [CREATED]
    assert client.told == [{"type": "text", "text": "Are you open?"}]
    words = Transcription(utterance=1, text="Are you open?", final=True)
    assert client.hear(words, State(state="thinking"), Audio(reply=1)) == []
    assert client.say("response.create") == ["error"]
    assert client.last("error")["error"]["code"] == "conversation_already_has_active_response"


def test_a_client_asks_while_the_agent_speaks_unasked() -> None:
    """A greeting gives way: what is left of it is told no more."""
    client = Client()
    speaking(client)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Stop"}]}
    client.say("conversation.item.create", item=item)
    assert client.say("response.create") == [*CLOSES, DONE, CREATED]
    late = [Interrupted(reply=1), say("Hello there", final=True, interrupted=True), Audio(reply=2)]
    assert (client.sound(), client.hear(*late)) == ([], [])
    assert client.sound() == [*OPENS, DELTA]
    assert client.hear(say("Yes.", reply=2, final=True))[-1] == DONE


def test_a_client_runs_a_function() -> None:
    """The response ends with the call. What our reply says with the result is the response that the client creates."""
    client = Client()
    client.hear(State(state="hearing"), State(state="thinking"))
    call = ToolCall(id="call_1", name="weather", arguments={"city": "Ulm"})
    assert client.hear(call) == CALLS
    item = client.last("response.output_item.done")["item"]
    assert (item["status"], item["arguments"], item["call_id"]) == ("completed", '{"city":"Ulm"}', "call_1")
    output = {"type": "function_call_output", "call_id": "call_1", "output": "Sunny in Ulm"}
    client.say("conversation.item.create", item=output)
    assert client.told == [{"type": "tool_result", "id": "call_1", "output": "Sunny in Ulm"}]
    assert client.say("response.create") == [CREATED]
    assert client.hear(Audio(reply=1)) == []
    assert client.sound() == [*OPENS, DELTA]
    assert client.hear(say("It is sunny.", final=True, tools=["weather"])) == [WORDS, *CLOSES, DONE]


def test_a_reply_speaks_before_it_calls() -> None:
    """What was said before the call is not said again in the response after it."""
    client = Client()
    client.hear(State(state="hearing"), State(state="thinking"), Audio(reply=1))
    client.sound()
    client.hear(say("One moment."))
    assert client.hear(ToolCall(id="c", name="f")) == [*CLOSES, *CALLS]
    client.say("conversation.item.create", item={"type": "function_call_output", "call_id": "c", "output": "{}"})
    client.say("response.create")
    client.sound()
    client.hear(say("One moment. Done."), say("One moment. Done.", final=True))
    assert client.last(DONE)["response"]["output"][0]["content"][0]["transcript"] == "Done."


def test_a_response_that_is_created_late_is_empty() -> None:
    """Our reply went on with the result of a function by itself, and the client is not left waiting."""
    client = Client()
    client.hear(State(state="hearing"), State(state="thinking"), ToolCall(id="c", name="f"))
    client.say("conversation.item.create", item={"type": "function_call_output", "call_id": "c", "output": "1"})
    client.hear(Audio(reply=1))
    client.sound()
    client.hear(say("One.", final=True))
    assert client.say("response.create") == [CREATED, DONE]


def test_a_choice_is_told_to_the_session() -> None:
    """Only what has changed. A voice of OpenAI's is the agent's own."""
    client = Client()
    session: dict[str, Any] = {
        "type": "realtime", "instructions": "Be nice.", "tools": [{"type": "function", "name": "f"}],
        "temperature": 0.5, "max_output_tokens": 200,
        "audio": {
            "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "semantic_vad", "eagerness": "low"}},
            "output": {"format": {"type": "audio/pcma"}, "voice": "ash"},
        },
    }  # fmt: skip
    assert client.say("session.update", session=session) == ["session.updated"]
    told = {name: value for message in client.told for name, value in message.items() if name != "type"}
    assert told == {
        "instructions": "Be nice.", "tools": [{"name": "f", "description": "", "parameters": {}}],
        "temperature": 0.5, "max_tokens": 200, "patience": "patient",
    }  # fmt: skip
    assert [(heard.encoding, spoken.encoding) for heard, spoken in client.formats] == [("pcmu", "pcma")]
    client.told.clear()
    assert client.say("session.update", session={"tracing": "auto"}) == ["session.updated"]
    assert client.told == []
    client.say("session.update", session={"audio": {"input": {"turn_detection": None}}})
    assert client.last("session.updated")["session"]["audio"]["input"]["turn_detection"] is None
    assert client.last("session.updated")["session"]["instructions"] == "Be nice."


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ("{", "invalid_json", None),
        ("[]", "invalid_type", None),
        ('{"type": "no.such"}', "invalid_value", "type"),
        ('{"type": "input_audio_buffer.append"}', "missing_required_parameter", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "no base64!"}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty", None),
        ('{"type": "session.update", "session": {"audio": {"output": {"speed": 9}}}}', "invalid_value",
         "session.audio.output.speed"),
        ('{"type": "conversation.item.retrieve", "item_id": "x"}', "item_retrieve_invalid_item_id", "item_id"),
        ('{"type": "conversation.item.delete", "item_id": "x"}', "item_delete_invalid_item_id", "item_id"),
        ('{"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": 1}', "item_truncate_invalid_item_id",
         "item_id"),
        ('{"type": "conversation.item.create", "item": {"type": "message", "role": "user"}}',
         "missing_required_parameter", "item.content"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_openais_shape(event: str, code: str, param: str | None) -> None:
    client = Client()
    assert client.send(event) == ["error"]
    error = client.last("error")["error"]
    assert set(error) == {"type", "code", "message", "param", "event_id"}
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert client.told == []


def test_a_response_outside_the_conversation() -> None:
    """It is text, with the client's metadata, beside whatever is said; nothing of it is in the conversation."""
    client = Client()
    speaking(client)
    context = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "item_reference", "id": client.last("response.output_item.added")["item"]["id"]},
    ]
    wanted = {"conversation": "none", "instructions": "Is it rude?", "metadata": {"topic": "rude"}, "input": context}
    client.told.clear()
    assert client.say("response.create", response=wanted) == [CREATED]
    [ask] = client.told
    assert (ask["type"], ask["text"], ask["history"]) == ("ask", "Is it rude?\n\nuser: Hello\nassistant:", False)
    parse_client(json.dumps(ask))
    assert client.hear(Answered(id=ask["id"], text="No."))[-1] == DONE
    done = client.last(DONE)["response"]
    assert (done["conversation_id"], done["metadata"]) == (None, {"topic": "rude"})
    assert done["output"][0]["content"] == [{"type": "output_text", "text": "No."}]
    client.say("response.create", response={"conversation": "none"})
    client.hear(Answered(id=client.told[-1]["id"], text="It failed.", ok=False))
    assert client.last(DONE)["response"]["status"] == "failed"


def test_an_item_is_deleted() -> None:
    """Words that were not asked yet are not asked any more."""
    client = Client()
    item = {"id": "m1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "No"}]}
    client.say("conversation.item.create", item=item)
    assert client.say("conversation.item.create", item=item) == ["error"]
    assert client.say("conversation.item.delete", item_id="m1") == ["conversation.item.deleted"]
    client.say("response.create")
    assert client.told == [{"type": "respond", "instructions": ""}]


def test_what_the_session_is_told_is_our_own_protocol() -> None:
    client = Client()
    for role in ("user", "assistant", "system"):
        kind = "output_text" if role == "assistant" else "input_text"
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": role}]}
        client.say("conversation.item.create", item=item)
    client.say("response.create", response={"instructions": "Be short."})
    client.say("input_audio_buffer.clear")
    for message in client.told:
        parse_client(json.dumps(message))
    assert [(each["type"], each.get("text")) for each in client.told][:3] == [
        ("note", "user"),
        ("note", "assistant"),
        ("note", "system"),
    ]


def test_a_long_append_is_handed_on_in_pieces() -> None:
    """So that a file that comes whole waits outside the call."""
    client = Client()
    client.append(bytes(48_000))
    assert [len(piece) for piece in client.told] == [4_800] * 10
