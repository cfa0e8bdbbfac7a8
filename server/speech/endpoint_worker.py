"""An endpoint model in workers, which all calls share.

A judgement takes 12 to 60 ms. On the media loop, or on a thread beside it, callers would hear that. Each judgement goes
to the worker that has the fewest.
"""

from collections.abc import Callable, Sequence
from functools import partial

from server.speech.judgements import DEADLINE_S, MAX_WAITING, Judgements
from server.speech.wyoming_stt import WyomingSpeechToText


class EndpointWorkers:
    """An EndpointModel that asks the workers at `uris`, whose engine is `smart_turn`."""

    def __init__(self, uris: Sequence[str], deadline_s: float = DEADLINE_S) -> None:
        """There is at least one worker."""
        self._workers = [WyomingSpeechToText(uri, connect_s=deadline_s, deadline_s=deadline_s) for uri in uris]
        self._judgements = Judgements(MAX_WAITING * len(uris), deadline_s)

    @property
    def waiting(self) -> int:
        """How many pauses wait for their judgement."""
        return self._judgements.waiting

    def judge(self, pcm: bytes, tell: Callable[[float | None], None]) -> Callable[[], None]:
        worker = min(self._workers, key=lambda worker: worker.utterances)
        return self._judgements.ask(partial(_judge, worker, pcm), tell)

    async def close(self) -> None:
        """Ask no more; idempotent."""
        await self._judgements.close()
        for worker in self._workers:
            await worker.close()


async def _judge(worker: WyomingSpeechToText, pcm: bytes) -> float:
    stream = worker.listen((), _ignore)
    try:
        stream.feed(pcm)
        return float(await stream.transcript())
    finally:
        await stream.close()


def _ignore(text: str) -> None:
    pass
