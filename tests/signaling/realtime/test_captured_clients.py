"""What stock clients were seen to send first, event by event: all of it is understood. Pure."""

from typing import Any

import pytest

from server.call.messages import State
from tests.signaling.realtime.client import Client

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "name": "weather", "description": "The weather", "parameters": PARAMETERS}
PCM = {"type": "audio/pcm", "rate": 24000}
HEARD = {
    "format": PCM,
    "transcription": {"model": "gpt-4o-mini-transcribe"},
    "turn_detection": {"type": "semantic_vad"},
}
QUESTION = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]}
OUTPUT = {"type": "function_call_output", "output": "Sunny in Ulm", "call_id": "call_1"}

AGENTS_JS: list[dict[str, Any]] = [
    {"type": "session.update", "session": {
        "type": "realtime", "instructions": "You are helpful.", "model": "gpt-realtime", "output_modalities": ["audio"],
        "audio": {"input": {**HEARD, "noise_reduction": None}, "output": {"format": PCM, "speed": 1}},
        "tools": [{**TOOL, "parameters": {"$schema": "http://json-schema.org/draft-07/schema#", **PARAMETERS}}]}},
    {"type": "session.update", "session": {"type": "realtime", "tracing": "auto"}},
    {"type": "conversation.item.create", "item": QUESTION},
    {"type": "response.create", "event_id": "agents_js_response_create_1"},
    {"type": "conversation.item.create", "item": OUTPUT},
]  # fmt: skip
AGENTS_PYTHON: list[dict[str, Any]] = [
    {"session": {
        "type": "realtime", "audio": {"input": HEARD, "output": {"format": PCM, "voice": "ash"}},
        "model": "gpt-realtime", "instructions": "You are helpful.", "output_modalities": ["audio"], "tools": [TOOL]},
     "type": "session.update"},
    {"item": QUESTION, "type": "conversation.item.create"},
    {"type": "response.create", "event_id": "agents_py_response_create_1"},
    {"session": {"type": "realtime", "model": "gpt-realtime", "tracing": "auto"}, "type": "session.update"},
    {"item": OUTPUT, "type": "conversation.item.create"},
    {"audio": "AAAA", "type": "input_audio_buffer.append"},
]  # fmt: skip
OPENAI_JS: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}},
    {"type": "response.create"},
]


@pytest.mark.parametrize("events", [AGENTS_JS, AGENTS_PYTHON, OPENAI_JS])
def test_nothing_of_it_is_an_error(events: list[dict[str, Any]]) -> None:
    client = Client()
    client.hear(State(state="listening"))
    types = [kind for event in events for kind in client.say(**event)]
    assert "error" not in types
    assert types.count("session.updated") == sum(event["type"] == "session.update" for event in events)
    assert types.count("response.created") == 1


def test_a_client_that_mutes_and_interrupts() -> None:
    """`output_audio_buffer.clear` is how it interrupts on WebRTC, also when nothing is said."""
    client = Client(on_webrtc=True)
    assert client.say("output_audio_buffer.clear") == []
    assert client.told == []
