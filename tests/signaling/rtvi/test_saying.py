"""What a client of RTVI says in a call."""

from typing import Any

import pytest

from server.call.agent_messages import Ask, Note, Respond
from server.call.message import Message
from server.call.messages import (
    Dtmf,
    HangUp,
    Interrupt,
    Text,
    Transferred,
)
from tests.signaling.rtvi.client import Client


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("send-text", {"content": "Hi", "options": {"run_immediately": False}}, [Note(text="Hi")]),
        ("send-text", {"content": "Hi", "options": {"audio_response": False}}, [Ask(id="written-1", text="Hi")]),
        ("append-to-context", {"role": "user", "content": "Hi", "run_immediately": True}, [Text(text="Hi")]),
        ("append-to-context", {"role": "system", "content": {"a": 1}}, [Note(role="system", text='{"a": 1}')]),
        (
            "append-to-context",
            {"role": "assistant", "content": "Hi", "run_immediately": True},
            [Note(role="assistant", text="Hi"), Respond()],
        ),
        ("dtmf", {"buttons": ["5", "#"]}, [Dtmf(digit="5"), Dtmf(digit="#")]),
        ("dtmf", {"button": "5"}, [Dtmf(digit="5")]),
        ("disconnect-bot", {}, [HangUp()]),
        ("client-message", {"t": "interrupt"}, [Interrupt()]),
        ("client-message", {"t": "transferred", "d": {"ok": True}}, [Transferred(ok=True)]),
        ("ui-event", {"event": "click"}, []),
    ],
)
def test_what_a_client_says(kind: str, data: dict[str, Any], told: list[Message]) -> None:
    heard, answers = Client().says(kind, data)
    assert heard == told
    assert [answer["type"] for answer in answers] == (["server-response"] if kind == "client-message" else [])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("send-text", {"content": ""}),
        ("send-text", {"content": "a" * 2_001}),
        ("send-text", None),
        ("dtmf", {"buttons": []}),
        ("dtmf", {"buttons": ["5"] * 33}),
        ("dtmf", {"buttons": ["F"]}),
        ("dtmf", {"buttons": "5"}),
        ("client-message", {"t": "custom", "d": {"a": 1}}),
        ("client-message", {"t": ["text"]}),
        ("llm-function-call-result", {"tool_call_id": 5}),
        ("append-to-context", {"role": "nobody", "content": "Hi"}),
        ("send-file", {"content": "Hi"}),
        ("no-such-type", {}),
    ],
)
def test_what_cannot_be_taken_is_answered_with_its_id(kind: str, data: Any) -> None:
    heard, (answer,) = Client().says(kind, data)
    assert heard == []
    assert (answer["type"], answer["id"]) == ("error-response", "1")
    assert answer["data"]["error"]
