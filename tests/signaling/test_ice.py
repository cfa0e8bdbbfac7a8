"""ICE servers for clients."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.call.caller import Caller
from signaling.errors import errors_as_json
from signaling.ice import IceServer, credentials, ice_servers, valid_url
from signaling.ice_servers import add_routes, turn_user


def test_credentials_are_those_of_coturn() -> None:
    """The password is the HMAC-SHA1 of the user name in base64, as `openssl dgst -sha1 -hmac north -binary | base64`
    makes it."""
    assert credentials("north", 1_700_000_000, "caller") == (
        "1700000000:caller", "L5EzooO2LK/7YBCQSGEXNTxLeuQ=",
    )  # fmt: skip


def test_turn_servers_have_credentials_and_stun_servers_none() -> None:
    """STUN servers are one entry without credentials, and TURN servers are one entry with credentials."""
    urls = ("stun:a:3478", "turn:b:3478", "turns:b:5349?transport=tcp")
    stun, turn = [server.to_json() for server in ice_servers(urls, "secret", 99, "x")]
    assert stun == {"urls": ["stun:a:3478"]}
    assert turn["urls"] == ["turn:b:3478", "turns:b:5349?transport=tcp"]
    assert turn["username"] == "99:x"
    assert ice_servers((), "secret", 99, "x") == []


def test_a_credential_is_not_shown() -> None:
    """The password of a server is not in its `repr`, so it does not get into a log."""
    assert "hunter2" not in repr(IceServer(("turn:a",), "me", "hunter2"))


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("stun:stun.example.org", True),
        ("stuns:a:5349", True),
        ("turn:a:3478?transport=udp", True),
        ("turns:[2001:db8::1]:443?transport=tcp", True),
        ("stun:a:65535", True),
        ("stun:a:65536", False),
        ("turn:a:99999?transport=udp", False),
        ("turn:a?transport=sctp", False),
        ("stun:a?transport=udp", False),
        ("http://a", False),
        ("turn://a:3478", False),
        ("stun:", False),
        ("", False),
    ],
)
def test_urls(url: str, valid: bool) -> None:
    """URLs are valid if they follow RFC 7064 and 7065."""
    assert valid_url(url) is valid


async def test_clients_get_the_servers() -> None:
    """Clients get the servers, and how long the credentials are valid. The answer is not cached."""

    async def admit(request: web.Request) -> Caller:
        return Caller(name="ann")

    app = web.Application()
    add_routes(app, lambda user: [IceServer(("turn:a",), f"99:{user}", "secret")], 600, admit, lambda caller: False)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/api/ice-servers")
        body = await response.json()
    user = f"99:{turn_user(Caller(name='ann'))}"
    assert body == {"iceServers": [{"urls": ["turn:a"], "username": user, "credential": "secret"}], "ttl": 600}
    assert response.headers["Cache-Control"] == "no-store"


def test_a_caller_has_one_user_name_at_the_turn_server() -> None:
    """It is the same for every request of the caller, another for every other caller, and does not say who that is."""
    ann, bob = Caller("203.0.113.7", name="ann"), Caller("203.0.113.7", name="bob")
    assert turn_user(ann) == turn_user(Caller("198.51.100.1", name="ann")) != turn_user(bob)
    assert "ann" not in turn_user(ann)
    here, there = Caller("203.0.113.7"), Caller("198.51.100.1")
    assert turn_user(here) == turn_user(Caller("203.0.113.7")) != turn_user(there)
    assert turn_user(Caller()) != turn_user(Caller())


@pytest.mark.parametrize(("live", "status"), [(True, 200), (False, 401)])
async def test_an_expired_token_gets_credentials_for_a_call_that_goes_on(live: bool, status: int) -> None:
    """A caller whose token has expired gets credentials only while there is a call of that caller."""

    async def admit(request: web.Request) -> Caller:
        return Caller(name="ann", expired=True)

    app = web.Application(middlewares=[errors_as_json])
    add_routes(app, lambda user: [], 600, admit, lambda caller: live and caller.name == "ann")
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/api/ice-servers")).status == status
