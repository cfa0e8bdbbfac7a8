"""How long the server itself keeps the caller waiting, on both sides of a speech-to-speech model.

    python -m bench.capacity.spoken_delay --turns 30

A call of words in this process, with the server's own Session and agent. The provider speaks OpenAI's Realtime protocol
in another process, on a core of its own. The bench measures:

- from the commit until the provider has the request for an answer;
- from the first sound of the answer, as the provider sends it, until the first packet can go to the caller;
- from the caller's first sound over an answer until the agent is silent, and until the provider is told to stop.
"""

import argparse
import asyncio
import json
import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from bench.capacity.own_delay import row, tell_time
from bench.common.figures import show
from bench.common.sentences import QUESTION
from bench.common.servers import OTHER_CORE, SERVER_CORE, free_port, running, wait_until_ready
from server.agent.call_info import NOTHING_KNOWN
from server.agent.spoken.names import make_spoken
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.media.frame import FRAME_MS
from server.testing.engines import SteadyTextToSpeech, sound
from server.testing.text_call import TextCall, languages_of, text_setup
from tests.fakes.realtime_provider import RealtimeProvider

ANSWER = "It is three o'clock in the afternoon."
STORY = "Once upon a time there was a shop that sold books of every kind, and nobody knew where they came from."
WARM_UP = 2
"""So many turns are not counted: the first ones load code."""
SPEAKING_S = 1.0
"""After so much of a story the caller cuts in."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, in ms."""

    to_model: float
    """From the commit to the request."""
    to_packet: float
    """From the first sound to the first packet."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The caller cuts in, in ms."""

    silent: float
    """Until the agent is silent."""
    told: float
    """Until the provider is told to stop, after the agent has."""


class _Call(TextCall):
    """Notes when packets could go out, and how loud they are."""

    def begin(self) -> None:
        self.hurried: list[float] = []
        self.audible_s = 0.0
        take = self.session.next_frame

        def next_frame() -> bytes | None:
            frame = take()
            if frame is not None and any(frame):
                self.audible_s = time.monotonic()
            return frame

        self.session.next_frame = next_frame  # type: ignore[method-assign]

    def hurry(self) -> None:
        self.hurried.append(time.monotonic())


async def talk(url: str, turns: int, stops: int) -> tuple[list[Turn], list[Stop]]:
    """Ask so many questions of the provider at that URL, and cut in on so many stories."""
    os.environ["OPENAI_API_KEY"] = "none"
    agent = VoiceAgent(Agent(TestModel(), instructions="You answer the phone.", tools=[tell_time]), greeting="Hello.")
    setup = await text_setup(agent, None, NOTHING_KNOWN, SteadyTextToSpeech(languages_of(agent)))
    spoken = make_spoken("realtime:openai:gpt-realtime", f"{url}/v1")
    setup = replace(setup, engines=replace(setup.engines, spoken=spoken))
    committed: list[float] = []

    def observe(seen: Any) -> None:
        if isinstance(seen, messages.State) and seen.state == "thinking":
            committed.append(time.monotonic())

    async with _Call(setup, observe) as call:
        call.begin()
        await call.settle()
        found = [await _turn(call, url, committed) for _ in range(turns)]
        cuts = [await _cut_in(call, url) for _ in range(stops)]
    return found, cuts


async def _turn(call: _Call, url: str, committed: list[float]) -> Turn:
    committed.clear()
    call.hurried.clear()
    call.say(sound(QUESTION))
    await call.settle()
    times = await asyncio.to_thread(_times, url)
    return Turn(
        1000 * (times["response.create"][-1] - committed[0]),
        1000 * (call.hurried[0] - times["sound"][-1]),
    )


async def _cut_in(call: _Call, url: str) -> Stop:
    call.type("tell me a story")
    begun_s = time.monotonic()
    await call.settle(lambda: call.audible_s > begun_s and time.monotonic() > begun_s + SPEAKING_S)
    call.say(sound("stop please and listen"))
    onset_s = time.monotonic()
    await asyncio.sleep(SPEAKING_S)
    silent_s = call.audible_s
    await call.settle()
    times = await asyncio.to_thread(_times, url)
    told = [at for at in times["conversation.item.truncate"] if at > onset_s]
    return Stop(1000 * (silent_s - onset_s) + FRAME_MS, 1000 * (told[0] - onset_s))


def _times(url: str) -> dict[str, list[float]]:
    """When events came to the provider, and when it began its sound."""
    with urllib.request.urlopen(f"{url}/times") as response:
        found: dict[str, list[float]] = json.load(response)
    return found


def application() -> web.Application:
    """The provider, which also tells its times."""
    provider = RealtimeProvider(lambda number: ANSWER)
    provider.script_by_text = {"story": STORY}

    async def times(request: web.Request) -> web.Response:
        return web.json_response(provider.times)

    app = web.Application()
    app.router.add_get("/v1/realtime", provider.answer)
    app.router.add_get("/times", times)
    return app


@contextmanager
def providing() -> Iterator[str]:
    """The URL of the provider, on a core of its own."""
    port = free_port()
    with running(OTHER_CORE, "-m", "bench.capacity.spoken_delay", "--serve", str(port)):
        wait_until_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.capacity.spoken_delay",
        description="The server's own share beside such a model.",
    )
    parser.add_argument("--turns", type=int, default=30, help="how many questions are asked")
    parser.add_argument("--stops", type=int, default=10, help="how many stories are cut in on")
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        web.run_app(application(), host="127.0.0.1", port=given.serve, print=None)
        return
    os.sched_setaffinity(0, {int(SERVER_CORE)})
    with providing() as url:
        turns, stops = asyncio.run(talk(url, WARM_UP + given.turns, given.stops))
    rows = [
        row("from the commit to the model", [turn.to_model for turn in turns[WARM_UP:]]),
        row("from the model's sound to a packet", [turn.to_packet for turn in turns[WARM_UP:]]),
        row("from the caller's voice to silence", [stop.silent for stop in stops]),
        row("from the caller's voice to the provider's stop", [stop.told for stop in stops]),
    ]
    show("The server's own delay with a speech-to-speech model, in ms", list(rows[0]), (each.values() for each in rows))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
