"""The calls that are live, over HTTP: a real application in front of real sessions with scripted engines."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from server.call import messages
from server.call.audience import MAX_READERS, MAX_WAITING
from server.call.caller import Caller
from server.call.control_token import ControlTokens
from server.call.desk.directory import Directory
from server.call.options import CallOptions
from server.call.session import Session
from signaling import calls as live_calls
from signaling.admin import Admin
from signaling.calls import add_routes
from signaling.errors import errors_as_json
from tests.call.directories import Line, answers, connected, directory, listen
from tests.fakes.notebook import WALL_MS

Client = TestClient[web.Request, web.Application]
NewClient = Callable[[web.Application], Awaitable[Client]]

TOKEN = "a token of the admin"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ONE = "/api/calls/{id}"
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/api/calls", None),
    ("GET", f"{ONE}/events", None),
    ("POST", f"{ONE}/say", {"text": "Hello."}),
    ("POST", f"{ONE}/keys", {"keys": "12#"}),
    ("POST", f"{ONE}/instruct", {"text": "Be brief."}),
    ("POST", f"{ONE}/mute", {"muted": True}),
    ("POST", f"{ONE}/hangup", {}),
]


class Operator:
    """An operator's client, and one call that runs."""

    def __init__(self, calls: Directory, client: Client, session: Session, line: Line) -> None:
        self.calls, self.client, self.session, self.line = calls, client, session, line

    async def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> ClientResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.request(method, path.format(id=self.session.id), json=body, headers=headers)

    async def code(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> tuple[int, str]:
        response = await self.ask(method, path, body, token)
        found = await response.json() if response.content_type == "application/json" else {}
        return response.status, found["error"]["code"] if "error" in found else ""

    async def heard(self, count: int) -> list[str]:
        """What the caller has heard, after `count` replies."""
        async with asyncio.timeout(20):
            while len(answers(self.line)) < count:
                await listen(self.session, 1)
        return answers(self.line)


async def serving(aiohttp_client: NewClient, calls: Directory, token: str = TOKEN) -> Client:
    app = web.Application(middlewares=[errors_as_json])
    add_routes(app, calls, Admin(token))
    return await aiohttp_client(app)


@pytest.fixture
async def operator(aiohttp_client: NewClient) -> Any:
    calls = directory()
    session, line = await connected(calls, Caller(name="ann"))
    yield Operator(calls, await serving(aiohttp_client, calls), session, line)
    session.end()
    await session.over.wait()
    await calls.close()


async def events(response: ClientResponse) -> list[tuple[str, dict[str, Any]]]:
    """The name and the data of each event, to the end."""
    blocks = (await response.text()).split("\n\n")
    lines = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(each["event"], json.loads(each["data"])) for each in lines if "event" in each]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_nobody_touches_a_call_without_the_token(operator: Operator, method: str, path: str, body: Any) -> None:
    """Every request without the admin token is refused, before it is known whether there is such a call."""
    for token in ("", TOKEN[:-1], f"{TOKEN}x"):
        assert await operator.code(method, path, body, token) == (401, "unauthorized")
        assert await operator.code(method, path.replace("{id}", "none"), body, token) == (401, "unauthorized")
    await listen(operator.session, 10)
    assert (operator.session.ended, operator.session.control.muted, operator.session.working) == (False, False, False)


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_control_token_opens_one_call(operator: Operator, method: str, path: str, body: Any) -> None:
    """All that is of that call, and neither the list, nor another call, nor one that is not there."""
    other, _ = await connected(operator.calls)
    token = ControlTokens(TOKEN).of(operator.session.id)
    opened = await operator.ask(method, path, body, token)
    assert opened.status == (200 if "{id}" in path else 401)
    opened.close()
    for wrong in (ControlTokens(TOKEN).of(other.id), ControlTokens(f"{TOKEN}x").of(operator.session.id), token[:-1]):
        assert await operator.code(method, path, body, wrong) == (401, "unauthorized")
    if "{id}" in path:
        for name in ("none", other.id):
            assert await operator.code(method, path.replace("{id}", name), body, token) == (401, "unauthorized")
        gone = ControlTokens(TOKEN).of("none")
        assert await operator.code(method, path.replace("{id}", "none"), body, gone) == (404, "not_found")
    other.end()
    await other.over.wait()


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_without_a_token_there_is_no_such_api(
    aiohttp_client: NewClient, operator: Operator, method: str, path: str, body: Any
) -> None:
    """If the server has no admin token, its answers do not show that this API exists."""
    client = await serving(aiohttp_client, operator.calls, "")
    for token in ("", TOKEN, ControlTokens(TOKEN).of(operator.session.id)):
        headers = {"Authorization": f"Bearer {token}"}
        response = await client.request(method, path.format(id=operator.session.id), json=body, headers=headers)
        assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS[1:])
async def test_a_call_that_is_not_live_is_not_found(operator: Operator, method: str, path: str, body: Any) -> None:
    """Neither one that never was, nor one that is over, nor one whose first connection is still to come."""
    coming = await operator.calls.open(Caller(), CallOptions())
    for name in ("none", "..%2fone", "a" * 200, coming.id):
        assert await operator.code(method, path.replace("{id}", name), body) == (404, "not_found")
    operator.calls.abandon(coming)
    operator.session.end()
    await operator.session.over.wait()
    assert await operator.code(method, path, body) == (404, "not_found")


async def test_the_list_has_the_calls_that_are_live(operator: Operator) -> None:
    """The oldest comes first. A call that has not begun, and one that is over, are not there."""
    other, _ = await connected(operator.calls)
    other.control.mute(True)
    response = await operator.ask("GET", "/api/calls")
    assert response.headers["Cache-Control"] == "no-store"
    first, second = (await response.json())["calls"]
    assert first.pop("since_ms") >= WALL_MS
    assert first == {
        "id": operator.session.id, "agent": "Test", "caller": "ann", "state": "listening", "transport": "webrtc",
        "muted": False, "waited_ms": None, "lost_percent": None, "round_trip_ms": None,
        "control_token": ControlTokens(TOKEN).of(operator.session.id),
    }  # fmt: skip
    assert (second["id"], second["muted"]) == (other.id, True)
    other.end()
    await other.over.wait()
    assert [each["id"] for each in (await (await operator.ask("GET", "/api/calls")).json())["calls"]] == [
        operator.session.id
    ]


async def test_a_line_is_said(operator: Operator) -> None:
    """The caller hears what an operator writes."""
    body = {"text": " The shop is closed. ", "when": "now", "interruptible": False}
    assert await operator.code("POST", f"{ONE}/say", body) == (200, "")
    assert await operator.heard(1) == ["The shop is closed."]


async def test_what_comes_after_the_goodbye_has_begun_is_a_conflict(operator: Operator) -> None:
    """It would never be heard."""
    assert await operator.code("POST", f"{ONE}/hangup") == (200, "")
    for path, body in (("say", {"text": "Hello."}), ("keys", {"keys": "1"}), ("instruct", {"text": "Be brief."})):
        assert await operator.code("POST", f"{ONE}/{path}", body) == (409, "conflict")
    assert await operator.heard(1) == ["Goodbye."]


async def test_keys_are_pressed(operator: Operator) -> None:
    """The client shows which keys they were."""
    assert await operator.code("POST", f"{ONE}/keys", {"keys": "12#", "when": "now"}) == (200, "")
    assert await operator.heard(1) == ["Keys: 1 2 #"]


async def test_there_is_room_for_so_many_lines_and_instructions(operator: Operator) -> None:
    """The line after the last one gets 429 with a time to wait, and the instruction after the last one 409."""
    line = {"text": "Hello.", "when": "idle"}
    assert {await operator.code("POST", f"{ONE}/say", line) for _ in range(16)} == {(200, "")}
    response = await operator.ask("POST", f"{ONE}/say", line)
    assert (response.status, (await response.json())["error"]["code"]) == (429, "too_many")
    assert int(response.headers["Retry-After"]) > 0
    assert {await operator.code("POST", f"{ONE}/instruct", {"text": "Be brief."}) for _ in range(16)} == {(200, "")}
    assert await operator.code("POST", f"{ONE}/instruct", {"text": "Be brief."}) == (409, "conflict")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("say", {}),
        ("say", {"text": "  "}),
        ("say", {"text": "x" * 1_001}),
        ("say", {"text": "Hello.", "when": "soon"}),
        ("say", {"text": "Hello.", "interruptable": False}),
        ("keys", {}),
        ("keys", {"keys": ""}),
        ("keys", {"keys": "12x"}),
        ("keys", {"keys": "1" * 65}),
        ("keys", {"keys": "1", "when": "soon"}),
        ("keys", {"keys": 12}),
        ("instruct", {"text": ""}),
        ("mute", {}),
        ("hangup", {"when": "idle"}),
    ],
)
async def test_what_is_wrong_with_a_request_is_said(operator: Operator, path: str, body: dict[str, Any]) -> None:
    """A body that is not valid changes nothing, and a name that is misspelt is not taken for a default."""
    assert await operator.code("POST", f"{ONE}/{path}", body) == (400, "bad_request")
    response = await operator.client.post(f"/api/calls/{operator.session.id}/{path}", data="{}", headers=BEARER)
    assert response.status == 415
    assert not operator.session.ended


async def test_muting_and_hanging_up(operator: Operator) -> None:
    """The agent does not hear the caller, and says goodbye before the call is over."""
    assert await operator.code("POST", f"{ONE}/mute", {"muted": True}) == (200, "")
    assert operator.session.control.muted
    assert await operator.code("POST", f"{ONE}/mute", {"muted": False}) == (200, "")
    assert not operator.session.control.muted
    assert await operator.code("POST", f"{ONE}/hangup") == (200, "")
    assert await operator.heard(1) == ["Goodbye."]
    await operator.session.over.wait()


async def test_a_call_is_followed_to_its_end(operator: Operator) -> None:
    """Each message is one event with its type as its name. The last event says that the call is over."""
    response = await operator.ask("GET", f"{ONE}/events")
    assert (response.content_type, response.headers["Cache-Control"]) == ("text/event-stream", "no-store")
    operator.session.receive_text(messages.Text(text="hello\nthere").to_json())
    await operator.heard(1)
    operator.session.send(messages.Error(code="engine_failed", message="The model failed."))
    operator.session.end()
    found = await events(response)
    assert found[0] == ("state", {"type": "state", "state": "listening"})
    assert ("transcription", {"type": "transcription", "utterance": 1, "text": "hello\nthere", "final": True}) in found
    assert (
        "error",
        {"type": "error", "code": "engine_failed", "message": "The model failed.", "final": False},
    ) in found
    assert any(name == "response" and data["final"] for name, data in found)
    assert found[-2:] == [("state", {"type": "state", "state": "closed"}), ("end", {"too_slow": False})]
    assert "resume" not in str(found)


async def test_a_reader_who_leaves_makes_room(operator: Operator) -> None:
    """One reader too many gets 429. When another one has gone, there is room again."""
    readers = [await operator.ask("GET", f"{ONE}/events") for _ in range(MAX_READERS)]
    assert await operator.code("GET", f"{ONE}/events") == (429, "too_many")
    readers[0].close()
    async with asyncio.timeout(5):
        while (response := await operator.ask("GET", f"{ONE}/events")).status != 200:
            operator.session.send(messages.Interrupted(reply=1))  # who has gone is noticed when something is sent
            await asyncio.sleep(0.01)
    for reader in (*readers, response):
        reader.close()


async def test_a_reader_who_does_not_read_is_cut_off(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call goes on at once, and its place among the readers is free again."""
    monkeypatch.setattr(live_calls, "WRITE_S", 0.05)
    response = await operator.ask("GET", f"{ONE}/events")
    long = messages.Response(reply=1, text="so it goes on " * 1_000, final=False)
    audience = operator.session.control.audience
    async with asyncio.timeout(10):
        while audience._readers:
            for _ in range(MAX_WAITING // 8):
                operator.session.send(long)
            await asyncio.sleep(0.01)
    assert await operator.code("POST", f"{ONE}/say", {"text": "Hello."}) == (200, "")
    response.close()


async def test_a_quiet_call_keeps_its_readers(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing happens, comments are sent, so that proxies and readers know that the connection lives."""
    monkeypatch.setattr(live_calls, "ALIVE_S", 0.02)
    response = await operator.ask("GET", f"{ONE}/events")
    async with asyncio.timeout(20):
        await response.content.readuntil(b": still there\n\n")
    response.close()
