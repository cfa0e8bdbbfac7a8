"""How long an answer after many exchanges holds up the event loop, with and without the server's own OpenAI client.

    python -m bench.capacity.long_calls --exchanges 0,5,20,50,150

While the loop is in one step, no call gets a packet. So the bench measures the longest step of an answer, besides its
CPU time. The answers are made by the server's own code. The provider has set delays and a core of its own.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from openai import AsyncOpenAI
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from bench.common.figures import quantile, show
from bench.common.sentences import QUESTION
from bench.common.servers import SERVER_CORE, providing
from server.agent.demo.front_desk import front_desk
from server.agent.openai_requests import send_unconverted
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup

RUNS = 20
"""How many answers each row is the median of."""


@dataclass(frozen=True, slots=True)
class LongCallRow:
    """The cost of one answer after a number of exchanges: medians over the runs, in ms."""

    client: str
    exchanges: int
    cpu: float
    longest_step: float


@contextmanager
def steps() -> Iterator[list[float]]:
    """A list that gets the duration in ms of each step of the event loop, as long as the context lasts."""
    found: list[float] = []
    plain = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        start_s = time.perf_counter()
        plain(handle)
        found.append(1000 * (time.perf_counter() - start_s))

    asyncio.Handle._run = timed  # type: ignore[method-assign, assignment]
    try:
        yield found
    finally:
        asyncio.Handle._run = plain  # type: ignore[method-assign]


async def exchange(model: Model, history: Sequence[ModelMessage]) -> list[ModelMessage]:
    """Let the agent answer once; the messages of that exchange."""
    agent, committed = front_desk(), asyncio.Event()
    committed.set()
    run = AgentRun(RunSetup(agent, model, agent.make_deps()), QUESTION, lambda: history)
    await run.speak(lambda text: None, committed)
    return run.messages()


async def measure(client: str, model: Model, exchanges: int) -> LongCallRow:
    """The medians of RUNS answers by a model whose client has that name."""
    history = await exchange(model, []) * exchanges
    cpu, longest = [], []
    for _ in range(RUNS):
        start_s = time.process_time()
        with steps() as found:
            await exchange(model, history)
        cpu.append(1000 * (time.process_time() - start_s))
        longest.append(max(found))
    return LongCallRow(client, exchanges, *(round(quantile(sorted(sample), 0.5), 1) for sample in (cpu, longest)))


async def compare(url: str, counts: Sequence[int]) -> list[LongCallRow]:
    """A row for each number of exchanges and each client, of answers by the provider at that URL."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as one, one.copy() as other:
        plain, apart = (
            OpenAIChatModel("any", provider=OpenAIProvider(openai_client=client)) for client in (one, other)
        )
        models = {"as it is": plain, "spared": send_unconverted(apart)}
        for model in models.values():
            await measure("", model, 0)  # the first run of all loads code that later runs find loaded
        return [await measure(client, model, count) for count in counts for client, model in models.items()]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.capacity.long_calls", description="What a long call costs the loop."
    )
    parser.add_argument("--exchanges", default="0,5,20,50,150", help="numbers of exchanges before the answer")
    given = parser.parse_args()
    os.sched_setaffinity(0, {int(SERVER_CORE)})
    with providing(speech_s=1.0) as url:
        rows = asyncio.run(compare(url, [int(count) for count in given.exchanges.split(",")]))
    show("An answer, in ms", ("client", "exchanges before", "CPU", "longest step"), (asdict(r).values() for r in rows))
    print(json.dumps([asdict(row) for row in rows]))


if __name__ == "__main__":
    main()
