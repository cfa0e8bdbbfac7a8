"""The HTTP side of the Realtime API: who is let in, with which secrets, and how refusals look."""

import asyncio
import json
from contextlib import suppress

import aiohttp
import pytest

from signaling.access import Access
from signaling.openai.door import LIMITS
from signaling.realtime import endpoint
from tests.exchange import exchange
from tests.fakes.mind import Mind
from tests.offers import audio, offer
from tests.signaling.realtime.asking import ADMIN, OneKey, first_event
from tests.tokens import token

SDP = {"Content-Type": "application/sdp"}


async def test_what_is_for_telephones_is_refused() -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        for what in ("accept", "reject", "refer"):
            response = await http.post(f"{running.home}/v1/realtime/calls/rtc_1/{what}", json={})
            assert response.status == 404
            assert what in (await response.json())["error"]["message"]


async def test_who_has_no_token_is_told_in_openais_shape() -> None:
    async with exchange(Mind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await first_event(running, http)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await first_event(running, http, headers={"Authorization": "Bearer ek_none"})
        response = await http.post(f"{running.home}/v1/realtime/calls", data=offer(audio("0")), headers=SDP)
        assert response.status == 401
        error = (await response.json())["error"]
        assert set(error) == {"type", "code", "message", "param"}
        assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/v1/realtime", "/api/voice/conversation/new"])
@pytest.mark.parametrize("offered", ["antiphon, bearer.", "realtime, openai-insecure-api-key."])
async def test_no_token_comes_into_the_log(path: str, offered: str, caplog: pytest.LogCaptureFixture) -> None:
    """aiohttp logs the subprotocols that a client offers if the server has none of them."""
    async with exchange(Mind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        given = token("ann")
        with suppress(aiohttp.WSServerHandshakeError):
            async with http.ws_connect(running.home + path, protocols=f"{offered}{given}".split(", ")) as socket:
                assert socket.protocol in ("realtime", "antiphon")
    assert given not in caplog.text


async def test_a_raw_offer_is_answered() -> None:
    """As browsers post it: without a candidate. The address of the call is where it is hung up."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        response = await http.post(f"{running.home}/v1/realtime/calls", data=offer(audio("0")), headers=SDP)
        assert (response.status, response.content_type) == (201, "application/sdp")
        location = response.headers["Location"]
        assert location.startswith("/v1/realtime/calls/rtc_")
        assert len(running.directory) == 1
        assert (await http.post(f"{running.home}{location}/hangup")).status == 200
        assert len(running.directory) == 0


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"session": "{}"}, "needs the part"),
        ({"sdp": "v=0\r\n", "session": "{"}, "has to be JSON"),
        ({"sdp": "v=0\r\n", "session": "[]"}, "JSON object"),
        ({"sdp": "v=0\r\n", "session": '{"audio": 1}'}, "session.audio"),
        ({"sdp": "v=0\r\n", "session": '{"instructions": "%s"}' % ("x" * 16_001)}, "session.instructions"),
        ({"sdp": "v=0\r\n", "session": '{"tools": [{"type": "function", "name": "a b"}]}'}, "session.tools.0.name"),
        ({"sdp": "v=0\r\n"}, ""),
    ],
)
async def test_a_form_that_cannot_be_used(parts: dict[str, str], says: str) -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in parts.items():
            form.add_field(name, value)
        response = await http.post(f"{running.home}/v1/realtime/calls", data=form)
        assert response.status in (400, 406)
        assert says in (await response.json())["error"]["message"]
        assert len(running.directory) == 0


@pytest.mark.parametrize("way", ["", "/agents/reception"])
@pytest.mark.parametrize(
    ("part", "status"),
    [(b"nonsense\r\n\r\nv=0", 400), (b'Content-Disposition: form-data; name="sdp"\r\n\r\n' + bytes(100_000), 413)],
)
async def test_a_form_that_is_none(part: bytes, status: int, way: str) -> None:
    """The client is told, and the server logs no fault."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        body = b"--b\r\n" + part + b"\r\n--b--\r\n"
        response = await http.post(f"{running.home}{way}/v1/realtime/calls", data=body, headers=headers)
        assert response.status == status
        assert (await response.json())["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("name", ["video", "sdp"])
async def test_a_form_has_no_other_parts(name: str) -> None:
    """They would be read to their end, however long they are."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("sdp", offer(audio("0")))
        form.add_field(name, "x" * 100_000)
        response = await http.post(f"{running.home}/v1/realtime/calls", data=form)
        assert (response.status, len(running.directory)) == (400, 0)
        assert "nothing else" in (await response.json())["error"]["message"]


async def test_a_call_that_is_not_there_cannot_be_watched() -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{running.home}/v1/realtime?call_id=rtc_none") as socket:
            told = json.loads((await socket.receive()).data)
            assert (told["type"], told["error"]["code"]) == ("error", "not_found")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_who_may_watch_a_call() -> None:
    """Its caller, operators, and who has its control token, but nobody else."""
    async with exchange(Mind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        ann, bob = ({"Authorization": f"Bearer {token(name)}"} for name in ("ann", "bob"))
        async with http.ws_connect(f"{running.home}/v1/realtime", headers=ann) as socket:
            call_id = json.loads((await socket.receive()).data)["session"]["antiphon"]["session_id"]
            control = {"Authorization": f"Bearer {running.admin.control_tokens.of(call_id)}"}
            for who, kind in (
                (bob, "error"), (ann, "session.created"), (ADMIN, "session.created"), (control, "session.created"),
            ):  # fmt: skip
                async with http.ws_connect(f"{running.home}/v1/realtime?call_id={call_id}", headers=who) as watcher:
                    assert json.loads((await watcher.receive()).data)["type"] == kind


async def test_who_watches_a_quiet_call_is_asked_for_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """So no proxy takes the WebSocket for dead, and one whose client is gone does not stay."""
    monkeypatch.setattr(endpoint, "WATCHER_PING_S", 0.3)
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        post = await http.post(f"{running.home}/v1/realtime/calls", data=offer(audio("0")), headers=SDP)
        url = f"{running.home}/v1/realtime?call_id={post.headers['Location'].rpartition('/')[2]}"
        async with http.ws_connect(url) as lives, http.ws_connect(url, autoping=False) as gone:
            told = asyncio.ensure_future(until_updated(lives))  # it answers pings meanwhile
            async with asyncio.timeout(10):
                while (await gone.receive()).type is not aiohttp.WSMsgType.PING:
                    pass
                while (await gone.receive()).type not in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                    pass
                await lives.send_json({"type": "session.update", "session": {"type": "realtime"}})
                assert await told


async def until_updated(watcher: aiohttp.ClientWebSocketResponse) -> bool:
    """Whether the watcher is told that the session was updated, before its WebSocket is closed."""
    async for message in watcher:
        if "session.updated" in str(message.data):
            return True
    return False


async def test_a_backend_watches_the_call_of_its_page_and_no_other_page_does() -> None:
    """The backend with the admin token, as stock backends do with their key. Each secret is another caller."""
    async with exchange(Mind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        made = [await http.post(f"{running.home}/v1/realtime/client_secrets", json={}, headers=ADMIN) for _ in "ab"]
        ann, bob = [{"Authorization": f"Bearer {(await each.json())['value']}"} for each in made]
        post = await http.post(f"{running.home}/v1/realtime/calls", data=offer(audio("0")), headers=ann | SDP)
        location = post.headers["Location"]
        (session_id,) = running.mouths
        for call_id in (location.rpartition("/")[2], session_id):
            for who, kind in ((bob, "error"), (ann, "session.created"), (ADMIN, "session.created")):
                async with http.ws_connect(f"{running.home}/v1/realtime?call_id={call_id}", headers=who) as watcher:
                    assert json.loads((await watcher.receive()).data)["type"] == kind
        assert (await http.post(f"{running.home}{location}/hangup", headers=bob)).status == 404
        assert (await http.post(f"{running.home}{location}/hangup", headers=ADMIN)).status == 200
        assert len(running.directory) == 0


async def test_without_names_the_id_of_a_session_lets_nobody_watch() -> None:
    """It stands in logs and webhooks. The ids that only the client is told do, by WebSocket and by WebRTC."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{running.home}/v1/realtime") as socket:
            session = json.loads((await socket.receive()).data)["session"]
            post = await http.post(f"{running.home}/v1/realtime/calls", data=offer(audio("0")), headers=SDP)
            page = post.headers["Location"].rpartition("/")[2]
            (other,) = set(running.mouths) - {session["antiphon"]["session_id"]}
            expected = {
                session["antiphon"]["session_id"]: "error", other: "error",
                session["id"]: "session.created", page: "session.created",
            }  # fmt: skip
            for call_id, kind in expected.items():
                async with http.ws_connect(f"{running.home}/v1/realtime?call_id={call_id}") as watcher:
                    assert json.loads((await watcher.receive()).data)["type"] == kind


async def test_an_operator_ends_a_call() -> None:
    async with exchange(Mind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        ann, bob = ({"Authorization": f"Bearer {token(name)}"} for name in ("ann", "bob"))
        made = await http.post(f"{running.home}/v1/realtime/calls", data=offer(audio("0")), headers=SDP | ann)
        hang_up = f"{running.home}{made.headers['Location']}/hangup"
        assert (await http.post(hang_up, headers=bob)).status == 404
        assert (await http.post(f"{running.home}/v1/realtime/calls/rtc_none/hangup", headers=ADMIN)).status == 404
        assert (await http.post(hang_up, headers=ADMIN)).status == 200
        assert len(running.directory) == 0


async def test_a_message_that_is_too_large_ends_the_connection() -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{running.home}/v1/realtime") as socket:
            await socket.receive()
            with suppress(ConnectionError):
                await socket.send_str("x" * (LIMITS.message_bytes + 2))
            async with asyncio.timeout(10):
                while len(running.directory) > 0:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
