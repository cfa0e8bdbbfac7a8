"""Drops calls at random moments and resumes them: is the context kept, how long is the silence, does a tool run twice?

    python -m bench.resilience.drops http://127.0.0.1:8080 --drops 200

The server must run the demo agent. Each caller tells their name, and then asks for something long or books a callback.
A random while later the call loses its connection: a WebSocket's TCP connection is aborted, or a WebRTC peer closes, or
it stops sending without closing. A new connection, over WebRTC or by the WebSocket, resumes the call at once. The
caller then asks for the name.
"""

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.common.figures import as_json, show
from tests.loopback import keep_to_loopback
from tests.phone import Phone
from tests.socket_phone import SocketPhone

PATIENCE_S = 30.0
"""How long a caller waits for one answer. A whole call may take twice as long."""
NEXT_SOUND_S = 4.0
"""How long a caller waits for the agent to be heard again after a drop."""
LOUD_POLL_S = 0.01
"""How often a caller looks whether the agent is heard again."""

AnyPhone = Phone | SocketPhone


@dataclass(frozen=True, slots=True)
class Drop:
    """What became of one call whose connection was lost."""

    how: str
    """The lost connection, how it was lost, and the new connection."""
    resumed: bool
    remembered: bool
    silence_ms: float | None
    """From a drop in the middle of an answer to the agent's next sound. None when the agent was not speaking."""
    bookings: int
    """How often the tool ran that books a callback, as the answers tell. The caller asked for it once or not at all."""


async def dial(http: aiohttp.ClientSession, url: str, way: str, session_id: str = "", resume: str = "") -> AnyPhone:
    """Call by that way, and resume the session if there is a token to resume it with."""
    if way == "websocket":
        phone = SocketPhone(url, http)
        await phone.dial(session_id or "new", resume=resume)
        return phone
    peer = Phone(f"{url}/api/offer", http)
    await peer.dial(requestData={"session_id": session_id, "resume": resume})
    await peer.opened.wait()
    return peer


async def lose(phone: AnyPhone, how: str) -> None:
    """Lose the connection. A "silent" one stops sending, but this end stays open."""
    if how == "silent" and isinstance(phone, Phone):
        phone.microphone.hush()
    else:
        await phone.drop()


async def one(url: str, chance: random.Random) -> Drop:
    """Make one call and lose its connection once."""
    way, back = chance.choice(["webrtc", "websocket"]), chance.choice(["webrtc", "websocket"])
    how = chance.choice(["closed", "silent"]) if way == "webrtc" else "aborted"
    books = chance.random() < 0.5
    async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_S * 2):
        phone = await dial(http, url, way)
        hello = await phone.until(type="session")
        await asyncio.sleep(0.3)
        await ask(phone, "my name is Anna")
        phone.send(type="text", text="call me back tomorrow at ten" if books else "what are your opening hours")
        await asyncio.sleep(chance.uniform(0.0, 4.0))
        speaking = any(phone.loud[-10:])
        await lose(phone, how)
        dropped_s = time.perf_counter()
        again = await dial(http, url, back, hello["session_id"], hello["resume"])
        resumed = (await again.until(type="session")).get("resumed", False)
        silent_ms = await silence_ms(again, dropped_s) if speaking else None
        await again.until(type="state", state="listening")
        remembered = "anna" in (await ask(again, "what is my name")).lower()
        again.send(type="hangup")
        await asyncio.sleep(0.1)
        await phone.hang_up()
        await again.hang_up()
    return Drop(f"{way} {how} → {back}", resumed, remembered, silent_ms, bookings(phone.told + again.told))


def bookings(told: list[dict[str, Any]]) -> int:
    """How often the tool that books a callback ran, in all answers. Of each answer only its last message counts."""
    tools = {message["reply"]: message["tools"] for message in told if message["type"] == "response"}
    return sum(ran.count("book_callback") for ran in tools.values())


async def ask(phone: AnyPhone, text: str) -> str:
    """Type a text, and wait for the whole answer."""
    seen = {message["reply"] for message in phone.told if message["type"] == "response"}
    phone.send(type="text", text=text)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for message in phone.told:
                new = message["type"] == "response" and message["reply"] not in seen
                if new and message["final"] and message["text"] and not message["interrupted"]:
                    return str(message["text"])
            await asyncio.sleep(0.02)


async def silence_ms(phone: AnyPhone, dropped_s: float) -> float | None:
    """The time from the drop until the agent is heard again. None when it had nothing more to say."""
    try:
        async with asyncio.timeout(NEXT_SOUND_S):
            while not any(phone.loud):  # noqa: ASYNC110  # sound has no event
                await asyncio.sleep(LOUD_POLL_S)
    except TimeoutError:
        return None
    return (time.perf_counter() - dropped_s) * 1000


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Make all calls, `given.calls` of them at a time."""
    seeds = random.Random(given.seed)
    places = asyncio.Semaphore(given.calls)

    async def guarded(seed: float) -> Drop | None:
        async with places:
            try:
                return await one(given.url, random.Random(seed))
            except (TimeoutError, aiohttp.ClientError, AssertionError) as error:
                print(f"not resumed: {type(error).__name__} {error}")
                return None

    results = await asyncio.gather(*(guarded(seeds.random()) for _ in range(given.drops)))
    return summary([result for result in results if result is not None], given.drops)


def summary(found: list[Drop], drops: int) -> dict[str, Any]:
    """All calls together, as it is printed in JSON."""
    booked = [drop.bookings for drop in found if drop.bookings]
    return {
        "drops": drops,
        "resumed": sum(drop.resumed for drop in found),
        "remembered": sum(drop.remembered for drop in found),
        "bookings": len(booked),
        "booked_twice": sum(count > 1 for count in booked),
        "silence_ms": as_json(drop.silence_ms for drop in found if drop.silence_ms is not None),
        "by_way": {how: sum(drop.how == how for drop in found) for how in sorted({drop.how for drop in found})},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.resilience.drops", description="Drop calls and resume them.")
    parser.add_argument("url", help="where the server is, as http://127.0.0.1:8080")
    parser.add_argument("--drops", type=int, default=200)
    parser.add_argument("--calls", type=int, default=4, help="calls at a time")
    parser.add_argument("--seed", type=int, default=1)
    keep_to_loopback()
    found = asyncio.run(measure(parser.parse_args()))
    counts = ((name, found[name]) for name in ("drops", "resumed", "remembered", "bookings", "booked_twice"))
    show("Drops", ("", ""), [*counts, *found["by_way"].items()])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
