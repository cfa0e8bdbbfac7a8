"""How long the server itself keeps the caller waiting, on both sides of the model.

    python -m bench.capacity.own_delay --turns 60

A call of words in this process, with the server's own Session, agent and client. The provider is another process, on a
core of its own. What is typed is committed at once, so the bench measures two parts of every answer:

- from the commit until the provider has the request for an answer;
- from the first words of the answer, as the provider sends them, until text-to-speech has the first clause. The
  provider sends all words at once, so that this is not the time that a model needs for a clause.
"""

import argparse
import asyncio
import json
import os
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

from bench.common.figures import quantile, show
from bench.common.sentences import QUESTION
from bench.common.servers import SERVER_CORE, providing
from server.agent.call_info import NOTHING_KNOWN
from server.agent.models import make_model
from server.agent.voice_agent import VoiceAgent
from server.call.ears.keyboard import PROMPTS_A_SECOND
from server.testing.engines import SteadyTextToSpeech
from server.testing.text_call import TextCall, languages_of, text_setup

TURN_S = 1.05 / PROMPTS_A_SECOND
"""How long a turn is at least. What is typed faster waits."""
WARM_UP = 2
"""So many turns are not counted: the first ones load code, and open the connection to the provider."""
CHARS_PER_S = 3_000
"""How fast the agent speaks, so that a turn takes no longer than it must."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, in ms."""

    to_model: float
    """From the commit to the request."""
    to_speech: float
    """From the first words to text-to-speech."""


async def talk(url: str, turns: int) -> list[Turn]:
    """Ask so many questions, in one call whose history grows, of the provider at that URL."""
    os.environ |= {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "none"}
    committed: list[float] = []
    spoken: list[float] = []
    model = make_model("openai-chat:any")
    assert isinstance(model, OpenAIChatModel)
    agent = VoiceAgent(Agent(model, instructions="You answer the phone.", tools=[tell_time]))

    def speaks(clause: str) -> None:
        if len(spoken) < len(committed):
            spoken.append(time.monotonic())

    mouth = SteadyTextToSpeech(languages_of(agent), CHARS_PER_S, speaks)
    setup = await text_setup(agent, None, NOTHING_KNOWN, mouth)
    async with model.client, TextCall(setup, lambda observed: None) as call:
        await call.settle()
        for _ in range(turns):
            pause = asyncio.create_task(asyncio.sleep(TURN_S))
            committed.append(time.monotonic())
            call.type(QUESTION)
            await call.settle()
            await pause
    asked = await asyncio.to_thread(times, url)
    return [
        Turn(1000 * (there["asked"] - begin), 1000 * (end - there["begun"]))
        for begin, there, end in zip(committed, asked, spoken, strict=True)
    ]


def tell_time() -> str:
    """Tell the time."""
    return "noon"


def times(url: str) -> list[dict[str, float]]:
    """When the provider was asked, and began its answers."""
    with urllib.request.urlopen(f"{url}/times") as response:
        found: list[dict[str, float]] = json.load(response)
    return found


def row(name: str, sample: Sequence[float]) -> dict[str, str | float]:
    """The percentiles of the sample, in ms."""
    ordered = sorted(sample)
    return {"what": name, **{f"p{share}": round(quantile(ordered, share / 100), 1) for share in (50, 90, 95, 99, 100)}}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.capacity.own_delay", description="The server's own share of the caller's wait."
    )
    parser.add_argument("--turns", type=int, default=60, help="how many questions are asked")
    given = parser.parse_args()
    os.sched_setaffinity(0, {int(SERVER_CORE)})
    with providing(1.0, "--token-ms", "0") as url:
        turns = asyncio.run(talk(url, WARM_UP + given.turns))[WARM_UP:]
    rows = [
        row("from the commit to the model", [turn.to_model for turn in turns]),
        row("from the model to text-to-speech", [turn.to_speech for turn in turns]),
    ]
    show("The server's own delay, in ms", list(rows[0]), (each.values() for each in rows))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
