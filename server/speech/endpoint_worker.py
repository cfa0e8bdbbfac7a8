"""An endpoint model in workers, which all calls share.

A judgement takes 12 to 60 ms. On the media loop, or on a thread beside it, callers would hear that. Each judgement goes
to the worker that has the fewest, and one that nobody wants any more makes room for the others.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from server.errors import EngineError
from server.speech.wyoming_stt import WyomingSpeechToText

DEADLINE_S = 0.45
"""How long an answer may take. Callers who are done wait for it, so on a busy machine they wait longer, instead of
being cut off. A longer silence than this feels like a dead line."""
MAX_WAITING = 8
"""How many pauses may wait for one worker. More of them wait only when the machine is too slow; those are judged
without the model."""

log = logging.getLogger(__name__)


class EndpointWorkers:
    """An EndpointModel that asks the workers at `uris`, whose engine is `smart_turn`."""

    def __init__(self, uris: Sequence[str], deadline_s: float = DEADLINE_S) -> None:
        """There is at least one worker."""
        self._workers = [WyomingSpeechToText(uri, connect_s=deadline_s, deadline_s=deadline_s) for uri in uris]
        self._deadline_s = deadline_s
        self._asked: set[asyncio.Task[None]] = set()
        self._failed = False
        """Whether a failure was logged already: one log line is enough."""

    @property
    def waiting(self) -> int:
        """How many pauses wait for their judgement."""
        return len(self._asked)

    def judge(self, pcm: bytes, tell: Callable[[float | None], None]) -> Callable[[], None]:
        worker = min(self._workers, key=lambda worker: worker.utterances)
        if self.waiting >= MAX_WAITING * len(self._workers):
            return asyncio.get_running_loop().call_soon(tell, None).cancel
        task = asyncio.create_task(self._judge(worker, pcm, tell), name="endpoint judgement")
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
        for worker in self._workers:
            await worker.close()

    async def _judge(self, worker: WyomingSpeechToText, pcm: bytes, tell: Callable[[float | None], None]) -> None:
        stream = worker.listen((), _ignore)
        probability = None
        try:
            async with asyncio.timeout(self._deadline_s):
                stream.feed(pcm)
                probability = float(await stream.transcript())
        except TimeoutError:
            pass  # the pause is judged without the model
        except (EngineError, ValueError) as failure:
            if not self._failed:
                log.warning("x the endpoint model failed; calls go on without its judgement: %s", failure)
            self._failed = True
        finally:
            await stream.close()
        tell(probability)


def _ignore(text: str) -> None:
    """There are no words so far."""
