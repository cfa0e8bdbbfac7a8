"""The HTTP side of OpenAI Live: who is let in, how sessions begin and end, and how refusals look."""

import json
from typing import Any

import aiohttp
import pytest

from signaling.access import Access
from signaling.keys import secret_key
from signaling.live.endpoint import MAX_EARLY
from signaling.tokens import Header
from tests.exchange import exchange
from tests.fakes.mind import Mind
from tests.offers import audio, offer
from tests.tokens import SECRET, token

START = {"type": "session.start", "session": {"model": "gpt-live-1"}}
SESSIONS = "/v1/live/sessions"
ADMIN = {"Authorization": "Bearer the operator's own token"}


class OneKey:
    async def find(self, header: Header) -> Any:
        return [secret_key(SECRET)]


def wanted(sdp: str = "", kind: str = "webrtc", **session: Any) -> dict[str, Any]:
    return {"session": {"model": "gpt-live-1", **session}, "transport": {"type": kind, "sdp": sdp}}


async def test_a_session_begins_with_session_start() -> None:
    """What comes before is refused, and changes nothing. The close of the session hangs up."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(running.home + SESSIONS) as socket:
            for early in (
                {"type": "session.close"},
                {**START, "session": {"model": "m", "audio": 5}},
                {"type": "none"},
            ):
                await socket.send_json({**early, "event_id": "mine"})
                assert (await socket.receive_json())["error"]["client_event_id"] == "mine"
            assert len(running.directory) == 0
            await socket.send_json(START)
            started = await socket.receive_json()
            assert started["type"] == "session.started"
            assert started["session"]["expires_at"] > 1_700_000_000
            await socket.send_json({"type": "session.close"})
            types = []
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                types.append(json.loads(message.data)["type"])
            assert types[-1] == "session.closed"
            assert socket.close_code == 1000
        assert len(running.directory) == 0


async def test_who_never_starts_is_sent_away() -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(running.home + SESSIONS) as socket:
            for _ in range(MAX_EARLY):
                await socket.send_str("no event")
                assert (await socket.receive_json())["error"]["code"] == "invalid_json"
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1008


async def test_an_offer_is_answered() -> None:
    """As a backend posts it for its page. The session is hung up by its id."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.post(running.home + SESSIONS, json=wanted(offer(audio("0")))) as response:
            assert response.status == 201
            made = await response.json()
        assert made["transport"]["sdp"].startswith("v=0")
        assert len(running.directory) == 1
        hang_up = f"{running.home}{SESSIONS}/{made['session']['id']}/hangup"
        assert (await http.post(hang_up)).status == 200
        assert len(running.directory) == 0
        again = await http.post(hang_up)
        assert (again.status, (await again.json())["error"]["code"]) == (404, "session_id_not_found")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (wanted("v=0\r\n", "sip"), "telephones call by SIP"),
        (wanted("v=0\r\n", audio={"format": {"type": "audio/pcm"}}), "session.audio.format"),
        (wanted("v=0\r\n", delegation={"type": "decisions"}), "session.delegation.type: Decisions are not made here."),
        (wanted("v=0\r\n"), ""),
        ({"session": {}}, "transport"),
    ],
)
async def test_what_cannot_be_begun(body: dict[str, Any], says: str) -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        response = await http.post(running.home + SESSIONS, json=body)
        error = (await response.json())["error"]
        assert response.status in (400, 406)
        assert set(error) == {"type", "code", "message", "param"}
        assert says in error["message"]
        assert len(running.directory) == 0


async def test_what_is_not_served() -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        for what in ("fork", "accept", "reject", "refer"):
            response = await http.post(f"{running.home}{SESSIONS}/s1/{what}")
            assert response.status == 404
            assert f"does not serve `{what}`" in (await response.json())["error"]["message"]
        async with http.ws_connect(f"{running.home}{SESSIONS}/s1/fork") as socket:
            assert (await socket.receive_json())["error"]["code"] == "unsupported"
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_only_who_has_the_session_may_watch_and_end_it() -> None:
    async with exchange(Mind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        ann, bob = ({"Authorization": f"Bearer {token(name)}"} for name in ("ann", "bob"))
        assert (await http.post(running.home + SESSIONS, json=wanted())).status == 401
        async with http.ws_connect(running.home + SESSIONS, headers=ann) as socket:
            await socket.send_json(START)
            session_id = (await socket.receive_json())["session"]["id"]
            home = f"{running.home}{SESSIONS}/{session_id}"
            with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
                await http.ws_connect(f"{home}/attach", headers=bob)
            assert (await http.post(f"{home}/hangup", headers=bob)).status == 404
            async with http.ws_connect(f"{home}/attach", headers=ADMIN) as seen:
                assert (await seen.receive_json())["session"]["id"] == session_id
            async with http.ws_connect(f"{home}/attach", headers=ann) as watcher:
                await watcher.receive()
                assert (await http.post(f"{home}/hangup", headers=ann)).status == 200
                types = []
                while (message := await watcher.receive()).type is aiohttp.WSMsgType.TEXT:
                    types.append(json.loads(message.data)["type"])
                assert types[-1] == "session.closed"


async def test_without_names_only_the_id_that_the_client_is_told_lets_one_watch() -> None:
    """The id of our own session stands in logs and webhooks."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(running.home + SESSIONS) as socket:
            await socket.send_json(START)
            session = (await socket.receive_json())["session"]
            home = f"{running.home}{SESSIONS}/{session['antiphon']['session_id']}"
            with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
                await http.ws_connect(f"{home}/attach")
            assert (await http.post(f"{home}/hangup")).status == 404
            async with http.ws_connect(f"{running.home}{SESSIONS}/{session['id']}/attach") as watcher:
                assert (await watcher.receive_json())["session"]["id"] == session["id"]


async def test_a_lost_session_goes_on() -> None:
    """With the token of `session.started`, and another `session.start`."""
    async with exchange(Mind().agent(), resume_s=20.0) as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(running.home + SESSIONS) as socket:
            await socket.send_json(START)
            first = (await socket.receive_json())["session"]
            await socket.close(code=4001)
        back = f"?session_id={first['antiphon']['session_id']}&resume={first['antiphon']['resume']}"
        async with http.ws_connect(running.home + SESSIONS + back) as socket:
            await socket.send_json(START)
            again = (await socket.receive_json())["session"]["antiphon"]
            assert (again["session_id"], again["resumed"]) == (first["antiphon"]["session_id"], True)
