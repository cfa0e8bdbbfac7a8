"""The `input` of a response in the conversation, and what the server's own tools tell."""

from server.call.messages import Response, State
from signaling.realtime.context import MAX_CHARS
from tests.signaling.realtime.client import Client

GIVEN = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is a quay?"}]}


def test_the_input_of_a_response_is_for_this_response_alone() -> None:
    """It is told as the instructions of the response. An item of the conversation may be named."""
    client = Client()
    said = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be brief."}]}
    client.say("conversation.item.create", item={"id": "one", **said})
    client.told.clear()
    context = [{"type": "item_reference", "id": "one"}, GIVEN]
    assert client.say("response.create", response={"instructions": "Rhyme.", "input": context}) == ["response.created"]
    (told,) = client.told
    assert told["type"] == "respond"
    assert told["instructions"].splitlines()[1:] == ["Rhyme.", "", "system: Be brief.", "user: What is a quay?"]


def test_an_input_that_cannot_be_used_creates_no_response() -> None:
    client = Client()
    long = {**GIVEN, "content": [{"type": "input_text", "text": "a" * MAX_CHARS}]}
    for context in ([{"type": "item_reference", "id": "none"}], [long]):
        assert client.say("response.create", response={"input": context}) == ["error"]
    assert client.told == []
    assert client.say("response.create", response={"input": []}) == ["response.created"]


def test_the_names_of_the_servers_own_tools_are_told_at_the_end() -> None:
    """They are no items, because a stock client would run them, or ask for another response."""
    client = Client()
    client.hear(State(state="hearing"), State(state="thinking"))
    client.hear(Response(reply=1, text="It is here.", final=True, tools=["find_order"]))
    done = client.last("response.done")["response"]
    assert done["antiphon"] == {"tools": ["find_order"]}
    assert [item["type"] for item in done["output"]] == ["message"]
