import json

import pytest
from pydantic_ai.messages import ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart

from server.record.conversation import Conversation, ToolUse, hash_token, to_json, tool_uses
from tests.conversations import ASKED, START_MS, conversation, exchange


def test_records_follow_each_other() -> None:
    """Each new record has the next revision, and the record before it does not change."""
    first = conversation()
    second = first.with_exchange(exchange(0), START_MS + 5, '{"caller": "Ann"}')
    third = second.with_token("hash", START_MS + 6)
    amended = third.with_amended(exchange(1), START_MS + 7, "later")
    last = amended.ended(START_MS + 7)
    assert [record.revision for record in (first, second, third, amended, last)] == [0, 1, 2, 3, 4]
    assert [record.updated_ms - START_MS for record in (first, second, third, last)] == [0, 5, 6, 7]
    assert (first.exchanges, first.agent_state) == ((), "")
    assert (second.exchanges, amended.exchanges) == ((exchange(0),), (exchange(1),))
    assert (third.agent_state, last.agent_state) == ('{"caller": "Ann"}', "later")
    assert (third.token_hash, last.token_hash, last.ended_ms) == ("hash", None, START_MS + 7)


def test_the_history_and_what_was_said_are_in_order() -> None:
    """The messages of all exchanges, and what both sides said, are listed in their order."""
    record = conversation(exchanges=3)
    assert record.messages == [message for i in range(3) for message in exchange(i).messages]
    assert [said.who for said in record.said] == ["caller", "agent"] * 3


@pytest.mark.parametrize("name", ["", "a" * 65, "../one", "a b", "a:b", "é", "one\n"])
def test_an_id_is_a_plain_word(name: str) -> None:
    """An id becomes a part of paths and keys, so a character with a meaning there is refused."""
    with pytest.raises(ValueError, match="id"):
        Conversation(name, "Agent", START_MS, START_MS)


def test_the_json_does_not_help_to_resume() -> None:
    """The JSON has neither the token's hash nor the agent's state, and it has the messages only on request."""
    record = conversation(exchanges=2)
    for messages in (False, True):
        shown = json.loads(to_json(record, messages))
        assert set(shown) == {
            "id", "agent", "created_ms", "updated_ms", "ended_ms", "end_reason", "caller",
            "transport", "exchanges",
        }  # fmt: skip
        assert hash_token("token").encode() not in to_json(record, messages)
        assert [set(each) for each in shown["exchanges"]] == [
            {"said", "messages", "figures"} if messages else {"said", "figures"}
        ] * 2
        assert shown["exchanges"][0]["said"][0]["text"] == ASKED


def test_newer_conversations_have_greater_cursors() -> None:
    """Cursors compare as text by time, and then by id."""
    created = [START_MS - 1, START_MS, START_MS + 1, 2_000_000_000_000]
    cursors = [conversation(name, created_ms=ms).cursor for ms in created for name in ("a", "b")]
    assert cursors == sorted(cursors)
    assert len(set(cursors)) == 8


def test_a_token_is_hashed_with_sha_256() -> None:
    """A token's hash is its SHA-256, as in the example of FIPS 180-4."""
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_tools_are_shown_with_their_results() -> None:
    """A tool call without a result is left out, and a result that is data is shown as JSON."""
    messages = [
        ModelResponse(parts=[ToolCallPart("look", {"number": 1}, "a"), ToolCallPart("never", {}, "b")]),
        ModelRequest(parts=[ToolReturnPart("look", {"found": True}, "a")]),
    ]
    assert tool_uses(messages) == (ToolUse("look", '{"number":1}', '{"found":true}'),)
