"""What a client of OpenAI Live is told, with times, and what our session is told. Pure."""

import json
from typing import Any

import pytest

from server.call.messages import (
    Audio,
    AudioFormat,
    Error,
    Reconnect,
    Response,
    ServerMessage,
    State,
    Transcription,
    parse_client,
)
from signaling.live.translator import MAX_EARLY
from tests.signaling.live.client import HELLO, LOOK_UP, RESPONSES, Client, started

HEARD, SPOKEN, SOUND = "session.input_transcript.delta", "session.output_transcript.delta", "session.output_audio.delta"
USAGE, CLOSED = "session.usage.updated", "session.closed"


def say(text: str, reply: int = 1, final: bool = False, **options: Any) -> Response:
    return Response(reply=reply, text=text, final=final, **options)


EXCHANGE: list[tuple[float, ServerMessage | None, list[str]]] = [
    (1_000, State(state="hearing"), []),
    (1_400, Transcription(utterance=1, text="are you", final=False), []),
    (2_000, State(state="thinking"), []),
    (2_010, Transcription(utterance=1, text="are you open", final=True, pause_ms=310), [HEARD]),
    (2_100, Audio(reply=1), []),
    (2_100, None, [SOUND]),
    (2_120, State(state="speaking"), []),
    (2_600, say("We"), [SPOKEN]),
    (3_000, say("We are"), [SPOKEN]),
    (3_500, say("We are.", final=True), [SPOKEN]),
    (3_500, State(state="listening"), [USAGE]),
]


def test_the_order_of_an_exchange() -> None:
    """And its times: the caller's from the first voice to the last, the agent's from fragment to fragment."""
    client = started()
    for at_ms, message, types in EXCHANGE:
        client.now_ms = at_ms
        assert (client.hear(message) if message else client.sound()) == types, message
    fragments = [(event["delta"], event["start_ms"], event["end_ms"]) for event in client.events if "start_ms" in event]
    assert fragments == [
        ("are you open", 1_000, 1_700), ("We", 2_120, 2_600), (" are", 2_600, 3_000), (".", 3_000, 3_500),
    ]  # fmt: skip
    ids = [event["event_id"] for event in client.events]
    assert len(set(ids)) == len(ids)
    assert client.last(USAGE)["usage"] == {"seconds": 3.5}


def test_words_over_the_agent_s_voice_begin_where_the_voice_began() -> None:
    client = started()
    for at_ms, state in ((500, "speaking"), (900, "overlap"), (1_200, "hearing"), (1_500, "thinking")):
        client.now_ms = at_ms
        client.hear(State(state=state))  # type: ignore[arg-type]
    client.now_ms = 1_600
    client.hear(Transcription(utterance=1, text="stop", final=True, pause_ms=200))
    assert (client.last(HEARD)["start_ms"], client.last(HEARD)["end_ms"]) == (900, 1_400)


def test_a_noise_is_not_told() -> None:
    client = started()
    client.hear(State(state="hearing"), Transcription(utterance=1, text="", final=True), State(state="listening"))
    client.now_ms = 5_000
    client.hear(State(state="hearing"), State(state="thinking"), Transcription(utterance=2, text="hi", final=True))
    assert [event["start_ms"] for event in client.events if event["type"] == HEARD] == [5_000]


def test_a_session_begins() -> None:
    """The agent gets what the client brings as soon as our session runs, and the client its own format."""
    history = [
        {"role": "user", "content": [{"type": "input_text", "text": "Hi."}]},
        {"role": "developer", "content": [{"text": "Be brief."}]},
    ]
    responses = {**RESPONSES["responses"], "instructions": "Prices are in euros.", "max_output_tokens": 50}  # type: ignore[dict-item]
    client = Client(
        instructions="Be nice.", delegation={"type": "responses", "responses": responses}, input=history,
        audio={"format": {"type": "audio/pcm", "rate": 16000}, "output": {"voice": "marin"}},
    )  # fmt: skip
    assert client.config.choices == {"voice": "", "max_tokens": 50}
    assert client.hear(HELLO) == ["session.started"]
    session = client.last("session.started")["session"]
    assert (session["id"], session["status"], session["expires_at"]) == ("live_1", "active", 4_600)
    assert session["input"] == history
    assert session["antiphon"]["resume"] == "secret"
    assert client.formats == [AudioFormat(encoding="pcm16", sample_rate=16000)]
    assert client.told == []
    client.hear(State(state="listening"))
    tool = {"name": "look_up", "description": "", "parameters": LOOK_UP["parameters"]}
    assert client.told == [
        {"type": "update", "instructions": "Be nice.\n\nPrices are in euros."},
        {"type": "update", "tools": [tool]},
        {"type": "note", "role": "user", "text": "Hi."},
        {"type": "note", "role": "system", "text": "Be brief."},
    ]


def test_a_session_that_goes_on_has_its_history() -> None:
    client = Client(instructions="Be nice.", input=[{"role": "user", "content": [{"text": "Hi."}]}])
    client.hear(HELLO.model_copy(update={"resumed": True}), State(state="listening"))
    assert [each["type"] for each in client.told] == ["update"]


def test_a_long_history_fits_into_the_inbox() -> None:
    client = started(input=[{"role": "user", "content": [{"text": f"Number {at}."}]} for at in range(128)])
    assert len(client.told) == 41
    assert client.told[0]["text"].startswith("user: Number 0.\nuser: Number 1.")
    assert client.told[-1]["text"] == "Number 127."


def test_what_is_not_kept_is_told() -> None:
    client = Client(store=True)
    assert client.hear(HELLO) == ["session.started", "info"]
    assert client.last("session.started")["session"]["store"] is False


@pytest.mark.parametrize(
    ("event", "told", "answers"),
    [
        ({"type": "session.input_audio.mute"}, {"type": "mute", "on": True}, "session.input_audio.muted"),
        ({"type": "session.input_audio.unmute"}, {"type": "mute", "on": False}, "session.input_audio.unmuted"),
        ({"type": "session.instructions.append", "content": "Be brief.", "delegation_id": None},
         {"type": "update", "instructions": "Be nice.\n\nBe brief."}, "session.instructions.appended"),
        ({"type": "session.thinking.append", "content": "It rains.", "delegation_id": None},
         {"type": "note", "role": "system", "text": "It rains."}, "session.thinking.appended"),
        ({"type": "session.commentary.append", "content": "We close soon.", "delegation_id": None},
         {"type": "say", "text": "We close soon."}, "session.commentary.appended"),
    ],
)  # fmt: skip
def test_what_the_client_wants(event: dict[str, Any], told: dict[str, Any], answers: str) -> None:
    """Each is acknowledged with the id of the client's event, and where the session stands."""
    client = started(instructions="Be nice.")
    client.told.clear()
    client.now_ms = 700
    assert client.say(**event, event_id="e1") == [answers]
    assert client.told == [told]
    assert client.last(answers)["client_event_id"] == "e1"
    assert client.last(answers).get("start_ms", 700) == 700


def test_a_long_commentary_is_said_in_lines() -> None:
    client = started()
    client.say("session.commentary.append", content="word " * 500 + "x" * 1_500, delegation_id=None)
    lines = [each["text"] for each in client.told]
    assert "".join(lines).replace(" ", "") == "word" * 500 + "x" * 1_500
    for told in client.told:
        parse_client(json.dumps(told))


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ((State(state="closed"),), "remote_hangup"),
        ((Error(code="limit_reached", message="It is late."), State(state="closed")), "expired"),
        ((Error(code="superseded", message="Elsewhere.", final=True), State(state="closed")), "connection_lost"),
        ((Reconnect(), State(state="closed")), "connection_lost"),
    ],
)
def test_why_a_session_ends(messages: tuple[ServerMessage, ...], reason: str) -> None:
    """It is told once."""
    client = started()
    assert client.hear(*messages).count(CLOSED) == 1
    assert client.last(CLOSED)["reason"] == reason


def test_the_client_closes_the_session() -> None:
    client = started()
    client.told.clear()
    assert client.say("session.close") == []
    assert client.told == [{"type": "hangup"}]
    client.hear(State(state="closed"))
    assert client.last(CLOSED)["reason"] == "close_requested"


def test_who_cannot_begin_is_told_of_no_session() -> None:
    assert Client().hear(Error(code="at_capacity", message="No place.", final=True)) == ["error"]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "session.output_audio.fixture.play", "audio": ""}, "unsupported", "type"),
        ({"type": "decision.create", "event_id": "e"}, "unsupported", "type"),
        ({"type": "transport.dtmf.send", "event": "1"}, "unsupported", "type"),
        ({"type": "session.start", "session": {}}, "invalid_value", "type"),
        ({"type": "none"}, "invalid_value", "type"),
        ({"type": "session.commentary.append"}, "missing_required_parameter", "content"),
        ({"type": "session.thinking.append", "content": "x" * 5_000}, "invalid_value", "content"),
        ({"type": "session.update", "session": {"instructions": "x"}}, "invalid_value", "session.instructions"),
        ({"type": "session.update", "session": {"triggers": [1]}}, "unsupported", "session.triggers"),
        ({"type": "session.update", "session": {"delegation": {"type": "client"}}}, "invalid_value",
         "session.delegation.type"),
        ({"type": "response.create"}, "invalid_value", "type"),
        ({"type": "session.instructions.append", "content": "x" * 3_999}, "invalid_value", "session"),
    ],
)  # fmt: skip
def test_what_is_refused(event: dict[str, Any], code: str, param: str) -> None:
    client = started(instructions="x" * 15_000)
    client.told.clear()
    assert client.say(**event) == ["error"]
    error = client.last("error")["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert client.told == []
    assert client.hear(State(state="hearing")) == []


def test_sound_comes_from_the_one_who_has_begun() -> None:
    """In pieces, and neither on WebRTC nor from a watcher."""
    client = started()
    client.told.clear()
    assert client.append(bytes(10_000)) == []
    assert [len(each) for each in client.told] == [4_800, 4_800, 400]
    assert client.send('{"type": "session.input_audio.append", "audio": ""}', watches=True) == ["error"]
    assert Client(on_webrtc=True).append(bytes(960)) == ["error"]
    assert client.say("session.input_audio.append", audio="?") == ["error"]


def test_what_is_said_before_the_session_runs() -> None:
    """By a sideband, before the page has connected: it comes after what the session begins with."""
    client = Client(on_webrtc=True, instructions="Be nice.")
    mute = '{"type": "session.input_audio.mute"}'
    assert client.send(mute, watches=True) == ["session.input_audio.muted"]
    client.hear(HELLO)
    assert client.told == []
    client.hear(State(state="listening"))
    assert [each["type"] for each in client.told] == ["update", "mute"]
    never = Client(on_webrtc=True)
    assert [never.send(mute, watches=True)[0] for _ in range(MAX_EARLY + 1)][-1] == "error"


def test_who_watches_is_told_of_the_session() -> None:
    client = started()
    assert client._take(client.translator.present()) == ["session.started"]
