"""What a client of the OpenAI Realtime API is told, in OpenAI's order. Pure."""

from server.call.agent_messages import Usage
from server.call.messages import (
    Audio,
    Error,
    Interrupted,
    ServerMessage,
    State,
    Transcription,
)
from tests.signaling.realtime.client import Client
from tests.signaling.realtime.events import (
    CLOSES,
    CREATED,
    DELTA,
    DONE,
    HELLO,
    OF_SPEECH,
    OPENS,
    STARTED,
    WORDS,
    say,
    speaking,
)


def test_a_session_begins() -> None:
    """The client is told how it comes back, in a field of the session that other clients do not look at."""
    client = Client()
    assert client.hear(HELLO) == ["session.created"]
    session = client.last("session.created")["session"]
    assert session["antiphon"]["resume"] == "secret"
    assert session["antiphon"]["session_id"] == "s1"
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"


SPOKEN: list[tuple[str, ServerMessage | None, list[str]]] = [
    ("the caller speaks", State(state="hearing"), [STARTED]),
    ("words are known", Transcription(utterance=1, text="are you", final=False), []),
    ("the caller is done", State(state="thinking"), [*OF_SPEECH, CREATED]),
    ("the words are settled", Transcription(utterance=1, text="are you open", final=True), []),
    ("a reply begins", Audio(reply=1), []),
    ("its first sound", None, [*OPENS, DELTA]),
    ("its first words", say("We"), [WORDS]),
    ("more sound", None, [DELTA]),
    ("more words", say("We are"), [WORDS]),
    ("it is over", say("We are.", final=True, usage=Usage(input_tokens=20, output_tokens=3)), [WORDS, *CLOSES, DONE]),
    ("nobody speaks", State(state="listening"), []),
]


def test_the_order_of_an_exchange() -> None:
    client = Client()
    for what, message, types in SPOKEN:
        assert (client.hear(message) if message else client.sound()) == types, what
    done = client.last(DONE)["response"]
    assert (done["status"], done["output"][0]["content"]) == (
        "completed",
        [{"type": "output_audio", "transcript": "We are."}],
    )
    assert (done["usage"]["total_tokens"], done["usage"]["output_token_details"]["text_tokens"]) == (23, 3)
    ids = [event["event_id"] for event in client.events]
    assert len(set(ids)) == len(ids)


def test_the_items_of_an_exchange_are_in_their_order() -> None:
    """`previous_item_id` is always there: null is the first."""
    client = Client()
    for _, message, _ in SPOKEN:
        client.hear(message) if message else client.sound()
    added = [event for event in client.events if event["type"] == "conversation.item.added"]
    assert [event["previous_item_id"] for event in added] == [None, added[0]["item"]["id"]]
    assert client.last("input_audio_buffer.committed")["previous_item_id"] is None


def test_words_that_are_settled_before_the_floor_is_taken() -> None:
    """An answer that was prepared begins at once. The words are told only to a client that wants them."""
    client = Client()
    client.say("session.update", session={"audio": {"input": {"transcription": {"model": "any"}}}})
    assert client.hear(
        State(state="hearing"), Transcription(utterance=1, text="hi", final=True), State(state="thinking")
    ) == [
        STARTED,
        *OF_SPEECH,
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        CREATED,
    ]
    item_id = client.last("input_audio_buffer.committed")["item_id"]
    assert client.say("conversation.item.retrieve", item_id=item_id) == ["conversation.item.retrieved"]
    content = client.last("conversation.item.retrieved")["item"]["content"]
    assert content == [{"type": "input_audio", "transcript": "hi"}]


def test_a_noise_is_no_item() -> None:
    client = Client()
    types = client.hear(
        State(state="hearing"), Transcription(utterance=1, text="", final=True), State(state="listening")
    )
    assert types == [STARTED, "input_audio_buffer.speech_stopped"]


def test_the_agent_speaks_unasked() -> None:
    client = Client()
    assert client.hear(State(state="thinking")) == []
    assert client.hear(Audio(reply=1)) == [CREATED]


def test_a_sound_beside_the_agents_voice_is_no_speech_until_it_interrupts() -> None:
    """Clients drop the agent's sound at `speech_started`; an "mhm" must not do that."""
    client = Client()
    client.append(bytes(4800))
    speaking(client)
    assert client.hear(State(state="overlap"), State(state="speaking"), State(state="overlap")) == []
    client.append(bytes(4800))
    types = client.hear(Interrupted(reply=1), say("Hello the", final=True, interrupted=True), State(state="hearing"))
    assert types == [STARTED, *CLOSES, DONE]
    assert client.last(STARTED)["audio_start_ms"] == 100
    done = client.last(DONE)["response"]
    assert (done["status"], done["status_details"]) == ("cancelled", {"type": "cancelled", "reason": "turn_detected"})
    assert done["output"][0]["content"][0]["transcript"] == "Hello the"


def test_on_webrtc_the_sound_goes_beside_the_events() -> None:
    client = Client(on_webrtc=True)
    client.hear(State(state="hearing"), State(state="thinking"))
    types = client.hear(say("We"))
    assert types == [*OPENS, "output_audio_buffer.started", WORDS]
    assert client.say("output_audio_buffer.clear") == []
    assert client.told == [{"type": "interrupt"}]
    types = client.hear(Interrupted(reply=1), say("We", final=True, interrupted=True))
    assert types == [*CLOSES, "output_audio_buffer.cleared", DONE]
    assert client.append(b"12") == ["error"]


def test_text_alone() -> None:
    client = Client()
    client.say("session.update", session={"output_modalities": ["text"]})
    client.hear(State(state="hearing"), State(state="thinking"), Audio(reply=1))
    client.sound()
    types = client.hear(say("We"), say("We are", final=True))
    delta = "response.output_text.delta"
    assert types == [delta, delta, "response.output_text.done", *CLOSES[2:], DONE]


def test_an_error_of_ours_is_told_in_openais_shape() -> None:
    client = Client()
    assert client.hear(Error(code="model", message="It failed.")) == ["error"]
    assert client.last("error")["error"] == {
        "type": "server_error", "code": "model", "message": "It failed.", "param": None, "event_id": None,
    }  # fmt: skip
