"""The route of a call: which way it tries when. A pure state machine, driven inside the browser."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def drive(page: Page, *steps: tuple[str, float] | tuple[str, float, int]) -> list[Any]:
    """Send events with their times in seconds and their links; returns the state and the short orders after each."""
    told: list[Any] = await page.evaluate(
        """async (steps) => {
            const { Route } = await import("/route.js");
            const route = new Route();
            const short = { open: (o) => `open ${o.link} ${o.way}`, close: (o) => `close ${o.link}`,
                            wait: (o) => `wait ${o.ms}`, end: (o) => `end ${o.code}` };
            return steps.map(([event, at, link]) => {
                const orders = route.receive(event, 1000 * at, link);
                return [route.state, orders && orders.map((order) => short[order.order](order)).join(", ")];
            });
        }""",
        [list(step) for step in steps],
    )
    return told


async def test_the_first_way_is_webrtc_and_the_second_the_websocket(page: Page) -> None:
    """If WebRTC does not get through at first, the WebSocket is next, because a second offer would fail too."""
    assert await drive(page, ("start", 0), ("no-path", 3, 1), ("stands", 4, 2)) == [
        ["calling", "open 1 rtc"],
        ["calling slow", "close 1, open 2 ws"],
        ["slow", "wait 5000"],
    ]


async def test_a_call_that_cannot_begin_ends(page: Page) -> None:
    """The call ends if neither way gets through, or if the server refuses it."""
    told = await drive(page, ("start", 0), ("no-path", 3, 1), ("no-path", 6, 2))
    assert told[-1] == ["over", "close 2, end no-path"]
    assert (await drive(page, ("start", 0), ("failed", 1, 1)))[-1] == ["over", "close 1, end no-path"]


async def test_what_breaks_is_offered_anew_then_goes_by_websocket(page: Page) -> None:
    """When a connection breaks during a call, a new offer is tried first, and then the WebSocket."""
    told = await drive(page, ("start", 0), ("stands", 1, 1), ("lost", 9, 1), ("no-path", 12, 2), ("stands", 13, 3))
    assert told[2:] == [
        ["renewing", "close 1, open 2 rtc"],
        ["falling", "close 2, open 3 ws"],
        ["slow", "wait 5000"],
    ]


async def test_webrtc_is_tried_again_ever_more_rarely(page: Page) -> None:
    """On the WebSocket, WebRTC is tried again at growing intervals, and the WebSocket stays until it stands."""
    steps: list[Any] = [("start", 0), ("no-path", 3, 1), ("stands", 4, 2)]
    for link in range(3, 9):
        steps += [("due", 10 * link), ("no-path", 10 * link + 3, link)]
    told = await drive(page, *steps, ("due", 100), ("stands", 101, 9))
    waits = [orders.split()[-1] for state, orders in told if state == "slow"]
    assert waits == ["5000", "10000", "20000", "40000", "60000", "60000", "60000"]
    assert told[-1] == ["direct", "close 2"]


async def test_a_server_that_goes_is_waited_for(page: Page) -> None:
    """After `reconnect` the page tries again with growing waits, for as long as the server keeps the conversation."""
    steps: list[Any] = [("start", 0), ("stands", 1, 1), ("reconnect", 10, 1)]
    for link, at in enumerate((11, 13, 17, 22, 71), 2):
        steps += [("due", at), ("failed", at, link)]
    told = await drive(page, *steps)
    waits = [orders.split()[-1] for state, orders in told if state == "waiting"]
    assert waits == ["500", "1000", "1500", "2000", "2000"]
    assert told[-1] == ["over", "close 6, end lost"]


async def test_a_conversation_that_is_gone_is_not_asked_for_for_a_minute(page: Page) -> None:
    """A server that restarts may not know the conversation for a moment; after four such answers the call is over."""
    told = await drive(
        page,
        *(("resume", 0), ("gone", 0, 1), ("due", 1), ("gone", 1, 2)),
        *(("due", 2), ("gone", 2, 3), ("due", 4), ("gone", 4, 4)),
    )
    assert told[-1] == ["over", "close 4, end lost"]
    assert {state for state, _ in told[:-1]} == {"renewing", "waiting"}


async def test_a_call_that_another_window_took_is_over_but_not_one_that_we_took(page: Page) -> None:
    """`superseded` ends the call, unless our own new connection won before we knew it, or soon after we gave it up."""
    there: list[Any] = [("start", 0), ("stands", 1, 1)]
    assert (await drive(page, *there, ("superseded", 9, 1)))[-1] == ["over", "close 1, end elsewhere"]
    slow: list[Any] = [("start", 0), ("no-path", 3, 1), ("stands", 4, 2), ("due", 9)]
    assert (await drive(page, *slow, ("superseded", 10, 2), ("stands", 10, 3)))[-2:] == [
        ["renewing", "close 2"],
        ["direct", ""],
    ]
    given_up = await drive(page, *slow, ("no-path", 12, 3), ("superseded", 13, 2))
    assert given_up[-1] == ["falling", "close 2, open 4 ws"]


async def test_what_a_closed_link_says_is_late(page: Page) -> None:
    """An event of a closed link is recognised by its number and ignored."""
    told = await drive(page, ("start", 0), ("stands", 1, 1), ("lost", 9, 1), ("lost", 9, 1), ("stands", 9, 1))
    assert told[3:] == [["renewing", None], ["renewing", None]]


async def test_no_order_of_events_leaves_a_call_hanging(page: Page) -> None:
    """In every reachable state, whatever happens, a link carries the call, is being tried, or is waited for."""
    found = await page.evaluate(
        """async () => {
            const { Route } = await import("/route.js");
            const may = (route) => [
                ...(route.state === "idle" ? ["start", "resume"] : ["online"]),
                ...(["slow", "waiting"].includes(route.state) ? ["due"] : []),
                ...(route.pending ? ["stands", "no-path", "failed", "gone"].map((e) => [e, route.pending.link]) : []),
                ...(route.current === null ? [] : ["lost", "superseded", "reconnect"].map((e) => [e, route.current])),
            ].map((event) => [event].flat());
            const states = new Set(), stuck = [], open = [];
            let paths = 0;
            const walk = (path) => {
                const route = new Route(), links = new Set();
                let waits = false;
                path.forEach(([event, link], step) => {
                    waits = false;
                    for (const order of route.receive(event, 4000 * step, link) ?? []) {
                        if (order.order === "open") links.add(order.link);
                        if (order.order === "close") links.delete(order.link);
                        if (order.order === "wait") waits = true;
                    }
                });
                paths += 1;
                states.add(route.state);
                const alive = [route.current, route.pending?.link].filter((link) => typeof link === "number");
                if (route.state !== "idle" && route.state !== "over" && !alive.length && !waits) stuck.push(path);
                if ([...links].sort().join() !== alive.sort().join()) open.push(path);
                if (route.state !== "over" && path.length < 7) for (const next of may(route)) walk([...path, next]);
            };
            walk([]);
            return { states: [...states].sort(), stuck: stuck[0], open: open[0], paths };
        }"""
    )
    assert found["states"] == sorted(
        ["idle", "calling", "calling slow", "direct", "renewing", "falling", "slow", "returning", "waiting", "over"]
    )
    assert found.get("stuck") is None
    assert found.get("open") is None
    assert found["paths"] > 1000
