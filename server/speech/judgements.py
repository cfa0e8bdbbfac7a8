"""The questions to an endpoint model that are under way: how many may wait, and how long.

A question that nobody wants any more makes room for others. One that has no answer in time is answered with None: then
the pause is judged without the model.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from server.errors import EngineError

DEADLINE_S = 0.45
"""How long an answer may take. Callers who are done wait for it, so on a busy machine they wait longer, instead of
being cut off. A longer silence than this feels like a dead line."""
MAX_WAITING = 8
"""How many pauses may wait for one worker. More of them wait only when the machine is too slow; those are judged
without the model."""

log = logging.getLogger(__name__)


class Judgements:
    """The questions of all calls to one model."""

    def __init__(self, most: int, deadline_s: float) -> None:
        """At most `most` questions wait at once, each for `deadline_s`."""
        self._most, self._deadline_s = most, deadline_s
        self._asked: set[asyncio.Task[None]] = set()
        self._failed = False
        """Whether a failure was logged already: one log line is enough."""

    @property
    def waiting(self) -> int:
        """How many questions have no answer yet."""
        return len(self._asked)

    def ask(self, judge: Callable[[], Awaitable[float]], tell: Callable[[float | None], None]) -> Callable[[], None]:
        """As `EndpointModel.judge`. `judge` asks the model, and raises EngineError or ValueError when it fails."""
        if self.waiting >= self._most:
            return asyncio.get_running_loop().call_soon(tell, None).cancel
        task = asyncio.create_task(self._ask(judge, tell), name="endpoint judgement")
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

        def forget() -> None:
            task.cancel()

        return forget

    async def close(self) -> None:
        """Ask no more; idempotent."""
        for task in list(self._asked):
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked)

    async def _ask(self, judge: Callable[[], Awaitable[float]], tell: Callable[[float | None], None]) -> None:
        probability = None
        try:
            async with asyncio.timeout(self._deadline_s):
                probability = await judge()
        except TimeoutError:
            pass  # the pause is judged without the model
        except (EngineError, ValueError) as failure:
            if not self._failed:
                log.warning("x the endpoint model failed; calls go on without its judgement: %s", failure)
            self._failed = True
        tell(probability)
