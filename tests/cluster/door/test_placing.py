"""Which worker the door gives a request to: workers that say what they got are behind a real HAProxy."""

from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError

from server.cluster.roster import Roster
from tests.cluster.door.asking import OFFER, asked, opened, talks_to, whose
from tests.cluster.workers import worker


async def test_a_new_call_goes_to_the_less_loaded_worker(roster: Roster) -> None:
    """The calls that it has announced count, and those that it was given since."""
    async with worker(roster, "w1", calls=6), worker(roster, "w2"), opened(roster) as (_, session):
        first = [await whose(session, "POST", "/api/offer", json=OFFER) for _ in range(6)]
        assert first == ["w2"] * 6
        ways = ("/whip", "/v1/realtime/calls", "/agents/shop/api/offer", "/v1/live/sessions", "/telephony/twilio")
        then = [await whose(session, "POST", way) for way in ways]
        then += [await talks_to(session, way) for way in ("/api/voice/conversation/new", "/rtvi", "/telephony/twilio")]
        assert Counter(then) == {"w1": 4, "w2": 4}


async def test_calls_lie_evenly_over_many_workers(roster: Roster) -> None:
    async with AsyncExitStack() as stack:
        for number in range(5):
            await stack.enter_async_context(worker(roster, f"w{number}"))
        _, session = await stack.enter_async_context(opened(roster))
        placed = Counter([await whose(session, "POST", "/api/offer", json=OFFER) for _ in range(200)])
        assert len(placed) == 5
        assert max(placed.values()) <= 44


@pytest.mark.parametrize("state", ["full", "draining", "unready"])
async def test_a_worker_that_is_not_ready_gets_only_its_own_calls(roster: Roster, state: str) -> None:
    async with (
        worker(roster, "w1", state=state) as one,
        worker(roster, "w2", calls=50),
        opened(roster) as (_, session),
    ):
        assert {await whose(session, "POST", "/api/offer", json=OFFER) for _ in range(5)} == {"w2"}
        assert {await whose(session, "GET", "/") for _ in range(5)} == {"w2"}
        assert await whose(session, "PATCH", "/api/offer", json={"pc_id": "w1-x"}) == "w1"
        assert one.got == ["PATCH /api/offer"]


async def test_a_worker_that_starts_again_is_asked_for_no_call(roster: Roster) -> None:
    """It would refuse it until its models are loaded. Others take the calls that it had."""
    async with worker(roster, "w1", state="starting") as one, worker(roster, "w2"), opened(roster) as (_, session):
        assert await whose(session, "POST", "/api/offer", json=OFFER | {"pc_id": "w1-x"}) == "w2"
        assert await talks_to(session, "/api/voice/conversation/w1-x") == "w2"
        assert await whose(session, "DELETE", "/whip/w1-x") == "w2"
        assert one.got == []


async def test_when_no_worker_is_ready_the_door_says_so(roster: Roster) -> None:
    async with worker(roster, "w1", state="full") as one, opened(roster) as (_, session):
        status, answer, again_s = await asked(session, "POST", "/api/offer", json=OFFER)
        assert (status, answer["error"]["code"], again_s) == (503, "at_capacity", "5")
        assert one.got == []
        assert await whose(session, "GET", "/") == "w1"
    async with opened(roster) as (_, session):
        status, answer, again_s = await asked(session, "GET", "/")
        assert (status, answer["error"]["code"], again_s) == (503, "at_capacity", "5")


async def test_a_refusal_is_tried_at_another_worker(roster: Roster) -> None:
    async with worker(roster, "w1") as one, worker(roster, "w2", calls=50) as two, opened(roster) as (_, session):
        one.refuses = True
        assert await whose(session, "POST", "/api/offer", json=OFFER) == "w2"
        assert await talks_to(session, "/api/voice/conversation/new") == "w2"
        assert len(one.got) == 2
        _, answer, _ = await asked(session, "POST", "/api/offer", json=OFFER)
        assert ["Antiphon-Tried-Again", "yes"] in [[name.title(), value] for name, value in answer["headers"]]
        two.refuses = True
        status, answer, again_s = await asked(session, "POST", "/api/offer", json=OFFER)
        assert (status, answer["error"]["code"], again_s) == (503, "at_capacity", "7")
        assert answer["error"]["message"].endswith("is full.")
        with pytest.raises(WSServerHandshakeError):
            await session.ws_connect("/api/voice/conversation/new")


async def test_what_begins_no_call_is_asked_once(roster: Roster) -> None:
    async with worker(roster, "w1") as one, worker(roster, "w2") as two, opened(roster) as (_, session):
        one.refuses = True
        status, _, _ = await asked(session, "DELETE", "/api/offer?pc_id=w1-x")
        assert status == 503
        assert (one.got, two.got) == (["DELETE /api/offer"], [])


async def test_an_id_leads_to_its_worker(roster: Roster) -> None:
    async with worker(roster, "w1", calls=50), worker(roster, "w2"), opened(roster) as (_, session):
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("DELETE", "/whip/w1-x", {}),
            ("DELETE", "/api/offer?pc_id=w1-x", {}),
            ("GET", "/api/calls/w1-x/events", {}),
            ("POST", "/v1/realtime/calls/rtc_w1-x/hangup", {}),
            ("POST", "/api/offer", {"json": OFFER | {"pc_id": "w1-x"}}),
            ("POST", "/sessions/new/api/offer", {"json": OFFER | {"requestData": {"session_id": "w1-x"}}}),
            ("POST", "/agents/w2-shop/api/offer", {"json": OFFER | {"pc_id": "w1-x", "sdp": "s" * 50_000}}),
            ("PATCH", "/api/offer", {"json": {"pc_id": "w1-x", "candidates": []}}),
            ("POST", "/telephony/twilio/voice?language=de&again=w1-line", {}),
        ]
        assert {await whose(session, method, path, **more) for method, path, more in requests} == {"w1"}
        sockets = ["/api/voice/conversation/w1-x", "/v1/realtime?call_id=rtc_w1-x", "/rtvi/new?token=w1-x.secret"]
        sockets.append("/telephony/twilio/w1-line")
        assert {await talks_to(session, path) for path in sockets} == {"w1"}
        assert await whose(session, "POST", "/api/offer", json=OFFER | {"pc_id": "w9-x"}) == "w2"


async def test_a_phone_comes_back_to_its_worker(roster: Roster) -> None:
    """By the user that its address names, or by where it is; also with the path / and the subprotocol `sip`."""
    async with AsyncExitStack() as stack:
        for number in range(4):
            await stack.enter_async_context(worker(roster, f"w{number}"))
        _, session = await stack.enter_async_context(opened(roster))
        users = {user: await talks_to(session, f"/sip?user={user}") for user in range(20)}
        assert len(set(users.values())) > 1
        assert {user: await talks_to(session, f"/sip?user={user}") for user in range(20)} == users
        here = {await talks_to(session, path, protocols=("sip",)) for path in ("/", "/sip") for _ in range(4)}
        assert len(here) == 1
