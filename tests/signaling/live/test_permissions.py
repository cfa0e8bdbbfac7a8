"""What a page may say and be told on its data channel, and that who watches the call may all. Pure."""

import json
from typing import Any

from server.call.agent_messages import ToolCall
from server.call.line.outbox import Outbox
from server.call.line.shared_translator import SharedTranslator
from server.call.messages import Hello, Response, State
from signaling.live.permissions import Permissions
from tests.signaling.live.client import RESPONSES, Client

HELLO, WORDS = Hello(session_id="s1", agent="Shop"), "session.output_transcript.delta"


class Page:
    """A page whose backend has decided what is on its data channel."""

    def __init__(self, **data_channel: Any) -> None:
        client = Client(on_webrtc=True, delegation=RESPONSES, client={"data_channel": data_channel})
        self.permissions = Permissions(client.config.data_channel, "n")
        self.shared = SharedTranslator(client.translator, self.permissions)
        self.told: list[Any] = []

    def say(self, type: str) -> list[str]:
        read = self.shared.read(json.dumps({"type": type, "event_id": "e1"}))
        self.told += read.told
        return self.types(read.answers)

    def hear(self, *messages: Any) -> list[str]:
        return [each for message in messages for each in self.types(self.shared.write(message))]

    def types(self, items: Any) -> list[str]:
        return [json.loads(item)["type"] for item in items]


def test_a_page_without_limits() -> None:
    for limits in ({}, {"allowed_client_events": "all", "allowed_server_events": "all"}):
        page = Page(**limits)
        assert page.permissions.everything
        assert page.hear(HELLO) == ["session.started"]
        assert page.say("session.input_audio.mute") == ["session.input_audio.muted"]


def test_a_page_that_may_nothing() -> None:
    page = Page(allowed_client_events=[], allowed_server_events=[])
    assert page.hear(HELLO, Response(reply=1, text="Hi.", final=True), State(state="closed")) == []
    assert page.say("session.close") == []
    assert page.told == []


def test_a_page_that_may_something() -> None:
    """It is told why the rest is refused, if it may be told of errors."""
    selectors = [{"type": WORDS}, {"type": "error"}, {"type": "response.event", "response_event": "response.completed"}]
    page = Page(allowed_client_events=["session.input_audio.mute"], allowed_server_events=selectors)
    assert page.hear(HELLO, Response(reply=1, text="Hi.", final=False)) == [WORDS]
    assert page.hear(ToolCall(id="c1", name="look_up")) == ["response.event"]
    assert page.say("session.input_audio.mute") == []
    assert [(said := json.loads(each))["type"] for each in page.told] == ["mute"]
    assert said["on"]
    refused = page.shared.read('{"type": "session.close", "event_id": "e1"}')
    error = json.loads(refused.answers[0])["error"]
    assert (list(refused.told), error["code"], error["client_event_id"]) == ([], "event_not_allowed", "e1")
    for item in ("no json", "[]", '{"type": 5}'):
        assert page.types(page.shared.read(item).answers) == ["error"]


async def test_who_watches_may_all() -> None:
    """And is told what the page is not, also of what the watcher itself has done."""
    page, watcher = Page(allowed_client_events=[], allowed_server_events=[]), Outbox()
    page.hear(HELLO, State(state="listening"))
    page.shared.watch(watcher)
    read = page.shared.read_watcher('{"type": "session.input_audio.mute"}', watcher)
    assert ([json.loads(each) for each in read.told], read.answers) == ([{"type": "mute", "on": True}], [])
    page.hear(State(state="closed"))
    told = []
    while not watcher.empty:
        told.append(json.loads(str(await watcher.take()))["type"])
    assert told == ["session.started", "session.input_audio.muted", "session.closed"]
