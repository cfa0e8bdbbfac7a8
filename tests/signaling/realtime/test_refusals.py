"""What our session does not do, and what a client may not say: each error names its event, and nothing is left open."""

from typing import Any

import pytest

from server.call.messages import Error, parse_client
from server.call.options import MAX_INSTRUCTIONS_CHARS
from tests.signaling.realtime.client import Client
from tests.signaling.realtime.events import CREATED, DONE, speaking

FULL = {
    "include": ["item.input_audio_transcription.logprobs"], "tracing": {"workflow_name": "w"}, "prompt": {"id": "p"},
    "truncation": {"type": "retention_ratio", "retention_ratio": 0.8}, "reasoning": {"effort": "low"},
    "parallel_tool_calls": True, "tool_choice": {"type": "function", "name": "f"}, "max_output_tokens": 100,
    "audio": {
        "input": {
            "noise_reduction": {"type": "near_field"}, "format": {"type": "audio/pcmu", "rate": 8000},
            "transcription": {"model": "m", "languages": ["en"], "keywords": ["quay"], "delay": "low"},
            "turn_detection": {"type": "semantic_vad", "eagerness": None, "create_response": None},
        },
        "output": {"voice": {"id": "v"}, "speed": 1.2},
    },
}  # fmt: skip


@pytest.mark.parametrize("response", [{"instructions": "Be short."}, {"conversation": "none", "instructions": "Why?"}])
def test_a_response_that_our_session_refuses_is_over(response: dict[str, Any]) -> None:
    """Such as where the agent takes no instructions from clients. The error names the event that caused it, and the
    next response can be created."""
    client = Client()
    assert client.say("response.create", event_id="mine", response=response) == [CREATED]
    refusal = Error(code="bad_request", message="No.", ref=client.refs[-1])
    assert client.hear(refusal) == ["error", DONE]
    assert client.last("error")["error"]["event_id"] == "mine"
    done = client.last(DONE)["response"]
    assert (done["id"], done["status"]) == (client.last(CREATED)["response"]["id"], "failed")
    assert client.say("response.create") == [CREATED]


def test_a_refusal_of_something_else_ends_no_response() -> None:
    client = Client()
    client.say("response.create")
    client.say("session.update", event_id="mine", session={"instructions": "Be nice."})
    assert client.hear(Error(code="bad_request", message="No.", ref=client.refs[-1])) == ["error"]
    assert client.last("error")["error"]["event_id"] == "mine"
    assert client.hear(Error(code="engine_failed", message="It failed.")) == ["error"]
    assert client.last("error")["error"]["event_id"] is None


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"tracing": 5}, "tracing"), ({"truncation": "weird"}, "truncation"), ({"include": "x"}, "include"),
        ({"prompt": 5}, "prompt"), ({"reasoning": 5}, "reasoning"),
        ({"parallel_tool_calls": []}, "parallel_tool_calls"),
        ({"tool_choice": "weird"}, "tool_choice"), ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"max_output_tokens": 0}, "max_output_tokens"), ({"max_output_tokens": True}, "max_output_tokens"),
        ({"audio": {"input": {"noise_reduction": {"type": "weird"}}}}, "audio.input.noise_reduction.type"),
        ({"audio": {"input": {"transcription": {"languages": 5}}}}, "audio.input.transcription.languages"),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}, "audio.input.format.rate"),
        ({"audio": {"output": {"voice": "no such voice!"}}}, "audio.output.voice"),
    ],
)  # fmt: skip
def test_a_field_of_a_wrong_type_is_refused_where_it_is(session: dict[str, Any], param: str) -> None:
    """Otherwise it would be told to all clients of the call, which may not be able to read it."""
    client = Client()
    assert client.say("session.update", session=session, event_id="mine") == ["error"]
    error = client.last("error")["error"]
    assert error["event_id"] == "mine"
    assert error["param"].startswith(f"session.{param}")
    assert "[" not in error["param"]
    assert client.told == []


def test_all_fields_of_openais_session_are_taken() -> None:
    client = Client()
    assert client.say("session.update", session={"type": "realtime", **FULL}) == ["session.updated"]
    session = client.last("session.updated")["session"]
    assert session["tracing"] == FULL["tracing"]
    assert session["audio"]["input"]["turn_detection"]["eagerness"] == "auto"


def test_a_client_that_sends_the_session_back_changes_nothing_of_the_servers() -> None:
    client = Client()
    client.say("session.update", session={})
    told = client.last("session.updated")["session"]
    client.say("session.update", session={**told, "id": "x", "object": "x", "expires_at": "x", "antiphon": 1})
    assert client.last("session.updated")["session"] == told
    client.say("session.update", session={"type": "transcription"})
    assert client.last("session.updated")["session"]["object"] == "realtime.transcription_session"


@pytest.mark.parametrize(
    ("response", "param"),
    [
        ({"output_modalities": ["text", "audio"]}, "output_modalities"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"instructions": "x" * (MAX_INSTRUCTIONS_CHARS + 1)}, "instructions"),
    ],
)
def test_a_response_that_cannot_be_is_not_created(response: dict[str, Any], param: str) -> None:
    client = Client()
    assert client.say("response.create", response=response) == ["error"]
    assert client.last("error")["error"]["param"] == f"response.{param}"
    assert client.told == []


def test_what_is_null_in_a_response_is_left_out() -> None:
    client = Client()
    wanted = dict.fromkeys(("instructions", "conversation", "input", "metadata", "output_modalities", "tools"))
    assert client.say("response.create", response=wanted) == [CREATED]
    assert client.last(CREATED)["response"]["output_modalities"] == ["audio"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_audio", "audio": "AAAA"},
        {"type": "input_text"},
    ],
)
def test_what_is_not_taken_of_a_message_is_not_left_out_unsaid(part: dict[str, Any]) -> None:
    client = Client()
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is this?"}, part]}
    assert client.say("conversation.item.create", item=item, event_id="mine") == ["error"]
    assert client.last("error")["error"]["param"] == "item.content.1"
    assert client.say("response.create", response={"input": [item]}) == ["error"]
    assert client.last("error")["error"]["param"] == "response.input.0.content.1"


def test_a_transcription_session_has_no_responses() -> None:
    client = Client(kind="transcription")
    for wanted in ({}, {"conversation": "none"}):
        assert client.say("response.create", response=wanted) == ["error"]
    assert client.told == []


def test_a_message_of_the_agent_has_one_part() -> None:
    client = Client()
    item_id = speaking(client)
    assert client.say("conversation.item.truncate", item_id=item_id, content_index=1, audio_end_ms=1) == ["error"]
    assert client.last("error")["error"]["param"] == "content_index"


def test_the_name_of_a_message_fits_into_it() -> None:
    """Whatever id a client gives to its event."""
    client = Client()
    read = client.translator.read(f'{{"type": "response.create", "event_id": "{"é" * 600}"}}')
    for each in read.told:
        parse_client(each)
    client.say("response.create", event_id=" a b ", response={"conversation": "none"})
    client.hear(Error(code="too_many", message="No.", ref=client.refs[-1]))
    assert client.last("error")["error"]["event_id"] == " a b "
