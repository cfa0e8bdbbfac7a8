"""Tools that the client runs, and a client that answers itself, as OpenAI Live tells of them. Pure."""

from server.call.agent_messages import ToolCall, ToolCancelled
from server.call.messages import Audio, Response, State, Transcription
from tests.signaling.live.client import RESPONSES, started

SPOKEN, NESTED, DELEGATED = "session.output_transcript.delta", "response.event", "session.delegation.created"
CALL = ToolCall(id="c1", name="look_up", arguments={"what": "prices"})
CALLED = [DELEGATED, *[NESTED] * 5]


def test_the_client_runs_a_function() -> None:
    """The response that calls it is over at once. The next one is over when the agent goes on."""
    client = started(delegation=RESPONSES)
    client.told.clear()
    assert client.hear(CALL) == CALLED
    delegation = client.last(DELEGATED)["delegation"]
    assert delegation["target"] == "responses"
    assert client.nested() == [
        "response.created", "response.output_item.added", "response.function_call_arguments.done",
        "response.output_item.done", "response.completed",
    ]  # fmt: skip
    item = {"type": "function_call_output", "call_id": "c1", "output": "12"}
    assert client.say("response.item.create", item=item) == []
    assert client.told == [{"type": "tool_result", "id": "c1", "output": 12}]
    assert client.say("response.create") == [NESTED]
    assert client.last(NESTED)["delegation_id"] == delegation["id"]
    assert client.hear(Response(reply=1, text="It is", final=False)) == [NESTED, SPOKEN]
    assert client.nested()[-2:] == ["response.created", "response.completed"]
    assert len(client.told) == 1


def test_the_client_types() -> None:
    """The agent is asked, and the words do not come back as words of the caller."""
    client = started(delegation=RESPONSES)
    client.told.clear()
    client.say("response.item.create", item={"role": "user", "content": "What is the price?"})
    assert client.say("response.create", event_id="e9") == [DELEGATED, NESTED]
    assert client.last(DELEGATED)["client_event_id"] == "e9"
    assert client.told == [{"type": "text", "text": "What is the price?"}]
    assert client.hear(Transcription(utterance=1, text="What is the price?", final=True)) == []
    assert client.hear(State(state="thinking"), Audio(reply=1)) == [NESTED]


def test_a_response_without_a_question() -> None:
    client = started(delegation=RESPONSES)
    client.told.clear()
    client.say("response.item.create", item={"type": "message", "role": "developer", "content": "Say hello."})
    client.say("response.create")
    assert client.told == [
        {"type": "note", "role": "system", "text": "Say hello."}, {"type": "respond", "instructions": ""},
    ]  # fmt: skip


def test_the_client_answers_itself() -> None:
    """The agent has a tool for it. What the client thinks and says of the delegation is the result."""
    client = started(delegation={"type": "client"})
    assert client.told[-1]["tools"][0]["name"] == "delegate"
    client.told.clear()
    client.hear(ToolCall(id="c1", name="delegate", arguments={"task": "Book a table."}))
    delegation = client.last(DELEGATED)["delegation"]
    assert (delegation["target"], delegation["antiphon"]) == ("client", {"task": "Book a table."})
    about = {"delegation_id": delegation["id"]}
    assert client.say("session.thinking.append", content="Asking.", **about) == ["session.thinking.appended"]
    assert client.told == []
    assert client.say("session.commentary.append", content="Booked.", **about) == ["session.commentary.appended"]
    assert client.told == [{"type": "tool_result", "id": "c1", "output": "Asking.\nBooked."}]
    assert client.say("session.commentary.append", content="Booked.", **about) == ["error"]


def test_a_delegation_that_nobody_waits_for() -> None:
    client = started(delegation={"type": "client"})
    client.hear(ToolCall(id="c1", name="delegate"), ToolCancelled(id="c1"))
    about = {"delegation_id": client.last(DELEGATED)["delegation"]["id"]}
    assert client.say("session.commentary.append", content="Booked.", **about) == ["error"]


def test_an_update_of_the_delegation() -> None:
    client = started(delegation=RESPONSES)
    client.told.clear()
    responses = {"instructions": "Be kind.", "tools": []}
    session = {"delegation": {"type": "responses", "responses": responses}}
    assert client.say("session.update", session=session) == ["session.updated"]
    assert client.told == [{"type": "update", "instructions": "Be kind.", "tools": []}]
    assert client.last("session.updated")["session"]["delegation"]["responses"]["model"] == "gpt-6"
    assert client.say("session.update", session={}) == ["session.updated"]
    assert len(client.told) == 1
