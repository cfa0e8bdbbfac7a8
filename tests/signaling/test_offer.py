from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from server.call.caller import Caller
from server.call.options import CallOptions
from server.errors import AtCapacity, NotAcceptable, NotFound
from signaling.access import Access
from signaling.bodies import MAX_BODY_BYTES
from signaling.errors import errors_as_json
from signaling.offer import CandidateBody, CandidatesBody, OfferBody, add_routes

Client = TestClient[web.Request, web.Application]
NewClient = Callable[[web.Application], Awaitable[Client]]


class Desk:
    """Calls without media: it answers offers up to a limit, keeps candidates, and forgets calls that hang up."""

    def __init__(self, limit: int = 2) -> None:
        self.live: dict[str, list[tuple[str, str | None]]] = {}
        self.options: list[CallOptions] = []
        self._limit = limit
        self._answered = 0

    async def answer(self, sdp: str, caller: Caller, options: CallOptions) -> tuple[str, str, str]:
        if "m=audio" not in sdp:
            raise NotAcceptable("The offer has no audio section.")
        if len(self.live) >= self._limit:
            raise AtCapacity("All lines are busy.", 5)
        self._answered += 1
        self.options.append(CallOptions(**options.model_dump(include=set(CallOptions.model_fields))))
        pc_id = f"pc-{self._answered}"
        self.live[pc_id] = []
        return f"answer to {sdp}", pc_id, f"session-{self._answered}"

    async def resume(
        self, sdp: str, caller: Caller, session_id: str, token: str, options: CallOptions
    ) -> tuple[str, str, str]:
        if (session_id, token) != ("session-1", "secret"):
            raise NotFound("There is no such conversation.")
        return f"answer to {sdp}", "pc-new", session_id

    async def move(self, sdp: str, caller: Caller, pc_id: str) -> tuple[str, str, str]:
        self._find(pc_id)
        return f"moved by {sdp}", pc_id, f"session-{pc_id[3:]}"

    async def add_candidate(self, caller: Caller, pc_id: str, candidate: str, mid: str | None) -> None:
        self._find(pc_id).append((candidate, mid))

    async def hang_up(self, caller: Caller, pc_id: str) -> None:
        self._find(pc_id)
        del self.live[pc_id]

    def _find(self, pc_id: str) -> list[tuple[str, str | None]]:
        if pc_id not in self.live:
            raise NotFound("There is no such call.")
        return self.live[pc_id]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(aiohttp_client: NewClient, desk: Desk) -> Client:
    app = web.Application(middlewares=[errors_as_json], client_max_size=MAX_BODY_BYTES)
    add_routes(app, desk, Access().admit)
    return await aiohttp_client(app)


JSON_BODY = {"Content-Type": "application/json"}
OFFER = {"sdp": "m=audio", "type": "offer"}


async def failure(response: Any) -> tuple[int, str]:
    """The status and the code of a response that is a failure."""
    body = await response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"].endswith((".", "]")) or ": " in body["error"]["message"]
    return response.status, body["error"]["code"]


async def test_an_offer_is_answered(client: Client, desk: Desk) -> None:
    """The answer has the SDP, the pc_id and the session_id."""
    response = await client.post("/api/offer", json=OFFER)
    assert response.status == 200
    assert await response.json() == {
        "sdp": "answer to m=audio", "type": "answer", "pc_id": "pc-1", "session_id": "session-1",
    }  # fmt: skip
    assert list(desk.live) == ["pc-1"]


async def test_fields_of_other_clients_are_taken(client: Client) -> None:
    """Other fields that SmallWebRTC clients send are accepted."""
    body = {**OFFER, "pc_id": None, "restart_pc": False, "requestData": {"user": [1]}, "something": "new"}
    assert (await client.post("/api/offer", json=body)).status == 200


async def test_an_offer_with_the_name_of_a_call_moves_it(client: Client, desk: Desk) -> None:
    """A client that sends a second offer with its pc_id keeps its call, also when all lines are busy."""
    for _ in range(2):
        await client.post("/api/offer", json=OFFER)
    response = await client.post("/api/offer", json={**OFFER, "pc_id": "pc-1", "restart_pc": True})
    assert await response.json() == {
        "sdp": "moved by m=audio", "type": "answer", "pc_id": "pc-1", "session_id": "session-1",
    }  # fmt: skip


async def test_a_token_goes_on_with_a_conversation(client: Client) -> None:
    """A conversation is resumed by its id and token. With a wrong one, nobody learns that it exists."""
    data = {"session_id": "session-1", "resume": "secret"}
    response = await client.post("/api/offer", json={**OFFER, "pc_id": "gone", "requestData": data})
    assert (await response.json())["session_id"] == "session-1"
    for wrong in ({**data, "resume": "guess"}, {**data, "session_id": "session-9"}):
        response = await client.post("/api/offer", json={**OFFER, "requestData": wrong})
        assert await failure(response) == (404, "not_found")


async def test_a_call_chooses_for_itself(client: Client, desk: Desk) -> None:
    """A call's model, temperature, voice and so on come in requestData. Values that make no sense are refused."""
    chosen = {
        "model": "openai-chat:gpt-5-mini",
        "temperature": 0.2,
        "max_tokens": 200,
        "voice": "amy",
        "language": "de-AT",
        "patience": "patient",
    }
    await client.post("/api/offer", json={**OFFER, "requestData": chosen})
    assert desk.options == [CallOptions(**chosen)]
    for wrong in (
        {"temperature": 3},
        {"max_tokens": 0},
        {"voice": "a\nb"},
        {"language": "German"},
        {"language": "de_AT"},
        {"patience": "hasty"},
    ):
        response = await client.post("/api/offer", json={**OFFER, "requestData": wrong})
        assert await failure(response) == (400, "bad_request")


async def test_an_offer_for_a_call_that_is_over_begins_none(client: Client, desk: Desk) -> None:
    """A client that offers again after the goodbye does not ring again. With a token it is told by the token."""
    response = await client.post("/api/offer", json={**OFFER, "pc_id": "gone"})
    assert await failure(response) == (404, "not_found")
    assert desk.live == {}


async def test_candidates_reach_their_call(client: Client, desk: Desk) -> None:
    """Candidates reach their call in order, and so does the empty one at the end."""
    await client.post("/api/offer", json=OFFER)
    candidates = [{"candidate": "candidate:1", "sdp_mid": "0", "sdp_mline_index": 0}, {"candidate": ""}]
    response = await client.patch("/api/offer", json={"pc_id": "pc-1", "candidates": candidates})
    assert await response.json() == {"status": "success"}
    assert desk.live["pc-1"] == [("candidate:1", "0"), ("", None)]


async def test_hanging_up(client: Client, desk: Desk) -> None:
    """A call is ended by its pc_id, once."""
    await client.post("/api/offer", json=OFFER)
    response = await client.delete("/api/offer", params={"pc_id": "pc-1"})
    assert await response.json() == {"status": "success"}
    assert desk.live == {}
    assert await failure(await client.delete("/api/offer", params={"pc_id": "pc-1"})) == (404, "not_found")


async def test_a_busy_server_says_when_to_come_again(client: Client) -> None:
    """The third client of a server with two lines is told when to call again."""
    for _ in range(2):
        await client.post("/api/offer", json=OFFER)
    response = await client.post("/api/offer", json=OFFER)
    assert await failure(response) == (503, "at_capacity")
    assert response.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("method", "body", "status", "code"),
    [
        ("POST", b"", 400, "bad_request"),
        ("POST", b"\xff\xfe", 400, "bad_request"),
        ("POST", b"[]", 400, "bad_request"),
        ("POST", b"[" * 5_000, 400, "bad_request"),
        ("POST", b'{"type": "offer"}', 400, "bad_request"),
        ("POST", b'{"type": "offer", "sdp": ""}', 400, "bad_request"),
        ("POST", b'{"type": "answer", "sdp": "m=audio"}', 400, "bad_request"),
        ("POST", b'{"type": "offer", "sdp": ["m=audio"]}', 400, "bad_request"),
        ("POST", b'{"type": "offer", "sdp": "m=video"}', 406, "not_acceptable"),
        ("POST", b" " * (MAX_BODY_BYTES + 1), 413, "too_large"),
        ("PATCH", b"{}", 400, "bad_request"),
        ("PATCH", b'{"pc_id": "gone", "candidates": [{"candidate": ""}]}', 404, "not_found"),
        ("PATCH", b'{"pc_id": "gone", "candidates": [{"candidate": "%s"}]}' % (b"x" * 1_025), 400, "bad_request"),
        ("PATCH", b'{"pc_id": "gone", "candidates": [%s]}' % b",".join([b"{}"] * 33), 400, "bad_request"),
        ("DELETE", b"", 400, "bad_request"),
        ("PUT", b"{}", 405, "method_not_allowed"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said(client: Client, method: str, body: bytes, status: int, code: str) -> None:
    """A request that breaks the protocol gets the status and the code for what is wrong."""
    response = await client.request(method, "/api/offer", data=body, headers=JSON_BODY)
    assert await failure(response) == (status, code)


async def test_a_body_that_is_not_as_it_says_is_the_clients_mistake(client: Client) -> None:
    """A body with broken compression is an error of the client, not of the server."""
    response = await client.post("/api/offer", data=b"no gzip", headers={**JSON_BODY, "Content-Encoding": "gzip"})
    assert (await failure(response))[0] == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["sdp", "type", "pc_id", "candidates", "candidate"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([OfferBody, CandidateBody, CandidatesBody]))
def test_any_json_is_a_request_or_not(value: object, model: type[BaseModel]) -> None:
    """Any JSON is either refused, or accepted and unchanged when it is written and read again."""
    try:
        request = model.model_validate(value)
    except ValidationError:
        return
    assert model.model_validate_json(request.model_dump_json()) == request
