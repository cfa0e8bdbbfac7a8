"""Who watches a call on a WebSocket. Pure."""

import json

from server.call.line.outbox import Outbox
from server.call.line.shared_translator import SharedTranslator
from server.call.messages import Audio, State
from tests.signaling.realtime.client import Client
from tests.signaling.realtime.events import CREATED, OPENS


async def types_for(watcher: Outbox) -> list[str]:
    """The types of what a watcher was told since the last time."""
    types = []
    while not watcher.empty:
        types.append(json.loads(await watcher.take())["type"])
    return types


async def test_a_watcher_is_told_of_each_item() -> None:
    """It is opened by the first sound of it. The sound itself is not for watchers."""
    shared, watcher = SharedTranslator(Client().translator), Outbox()
    shared.watch(watcher)
    for message in (State(state="hearing"), State(state="thinking"), Audio(reply=1)):
        shared.write(message)
    shared.say(bytes(960))
    shared.say(bytes(960))
    types = await types_for(watcher)
    assert types[types.index(CREATED) + 1 :] == OPENS


async def test_an_error_is_for_whoever_has_made_it() -> None:
    """What comes of an event is for all of them."""
    shared, first, second = SharedTranslator(Client().translator), Outbox(), Outbox()
    for watcher in (first, second):
        shared.watch(watcher)
        await types_for(watcher)
    assert shared.read_watcher('{"type": "none"}', first).answers == []
    assert (await types_for(first), await types_for(second)) == (["error"], [])
    assert len(shared.read('{"type": "none"}').answers) == 1
    assert (await types_for(first), await types_for(second)) == ([], [])
    update = '{"type": "session.update", "session": {}}'
    assert len(shared.read_watcher(update, first).answers) == 1
    assert await types_for(first) == await types_for(second) == ["session.updated"]


def test_a_watcher_sends_no_sound() -> None:
    """It would not reach the call."""
    client = Client()
    event = json.dumps({"type": "input_audio_buffer.append", "event_id": "e1", "audio": "AAAA"})
    read = client.translator.read_watcher(event)
    assert read.told == []
    assert json.loads(read.answers[0])["error"]["event_id"] == "e1"
