"""Deliveries: brings the events that wait in the store to one endpoint.

Each event is taken from the store for a limited time, sent, and removed when the endpoint has taken it. If the server
dies in between, the time runs out, and this server or another one takes the event once more, with the same id.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.outbox import Outbox, Taken
from server.webhooks.endpoint import AT_ONCE, Answer, Endpoint
from server.webhooks.events import transcript_part, wants_transcript, with_transcript
from server.webhooks.schedule import Schedule, Verdict, judge

POLL_S = 2.0
"""How long to wait before looking for what is due: events of other servers, and events that are tried again. Those of
this server are noticed at once."""
MARGIN_S = 20.0
"""For how much longer than a try an event is taken: time to read it, and to write down what came of it."""
STOP_S = 3.0
"""How long a server that stops waits for the tries that are on their way. What they bring is sent once more then."""
SETTLE_TRIES = 4
SETTLE_AGAIN_S = 1.0
"""How often, and after which pause, what came of a try is written down while the store is down. After the last time
the event is sent once more."""

log = logging.getLogger(__name__)


class Store(Protocol):
    """The part of a store of conversations that is needed here."""

    @property
    def outbox(self) -> Outbox: ...

    async def load(self, conversation_id: str) -> Conversation | None: ...


class Deliveries:
    """The deliveries to `endpoint`, which belongs to them. `wall_ms` gives Unix milliseconds."""

    def __init__(self, store: Store, endpoint: Endpoint, schedule: Schedule, wall_ms: Callable[[], int]) -> None:
        self._store = store
        self._endpoint = endpoint
        self._schedule = schedule
        self._wall_ms = wall_ms
        self._lease_ms = round((endpoint.timeout_s + MARGIN_S) * 1000)
        self._running: dict[asyncio.Task[None], Taken] = {}
        self._woken = asyncio.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.failing = False
        """The last try has failed."""
        self.delivered = self.failed = self.waiting = 0
        self.dropped: Counter[str] = Counter()
        """How many events were given up, by the reason."""

    @property
    def address(self) -> str:
        """The name of the endpoint in the store."""
        return self._endpoint.key

    @property
    def trouble(self) -> str:
        """A sentence while the endpoint does not take events; "" while it does."""
        return f"The webhook {self._endpoint.name} does not take events; they wait." if self.failing else ""

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"webhook-{self.address}")

    def wake(self) -> None:
        """Something is due now."""
        self._woken.set()

    async def close(self, empty_s: float) -> None:
        """Deliver what waits, which may take `empty_s`, unless the endpoint fails. Then end; idempotent."""
        if self._task is None:
            return
        if empty_s:
            with contextlib.suppress(TimeoutError, StoreError):
                async with asyncio.timeout(empty_s):
                    await self._empty()
        self._closing = True
        self.wake()
        await asyncio.wait([self._task], timeout=STOP_S)  # what it is just taking from the store must not be forgotten
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=STOP_S)
        for task, taken in tuple(self._running.items()):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(StoreError):
                await self._store.outbox.postpone(taken, taken.tries, self._wall_ms())
        await self._endpoint.close()

    async def _empty(self) -> None:
        while self._running or (await self._store.outbox.waiting(self.address) and not self.failing):
            self._settled.clear()
            self.wake()
            await self._settled.wait()

    async def _run(self) -> None:
        while not self._closing:
            self._woken.clear()
            try:
                await self._take()
                self.waiting = await self._store.outbox.waiting(self.address)
            except StoreError:
                pass  # the journal says so
            except Exception:
                log.exception("x a bug keeps webhooks from being taken from the store")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()

    async def _take(self) -> None:
        """Start as many tries as are due and have room."""
        now_ms = self._wall_ms()
        if not (room := AT_ONCE - len(self._running)):
            return
        for taken in await self._store.outbox.take(self.address, now_ms, now_ms + self._lease_ms, room):
            work, name = self._deliver(taken), f"webhook-{taken.posting.id}"
            task = asyncio.get_running_loop().create_task(work, name=name)
            self._running[task] = taken
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._settled.set()
        self.wake()

    async def _deliver(self, taken: Taken) -> None:
        """Try once, and write down what came of it."""
        try:
            body = await self._body(taken)
            if body is None:
                await self._settle(lambda: self._store.outbox.remove(taken, self._wall_ms()))
            else:
                await self._judge(taken, await self._endpoint.send(taken.posting.id, body))
        except StoreError:
            await self._judge(taken, Answer(None, "the store gives no transcript"))
        except Exception:
            log.exception("x a bug keeps the webhook %s from being delivered", taken.posting.id)

    async def _body(self, taken: Taken) -> bytes | None:
        """The event as it is sent; None when its conversation was deleted. A long transcript takes milliseconds to
        write, so the loop serves calls between its exchanges."""
        body = taken.posting.body
        if wants_transcript(body):
            if (conversation := await self._store.load(taken.conversation_id)) is None:
                return None
            parts = []
            for exchange in conversation.exchanges:
                parts.append(transcript_part(exchange))
                await asyncio.sleep(0)
            body = with_transcript(body, parts)
        return body.encode()

    async def _judge(self, taken: Taken, answer: Answer) -> None:
        outbox, verdict, now_ms = self._store.outbox, judge(answer.status), self._wall_ms()
        if verdict is Verdict.DELIVERED:
            self.delivered += 1
            self._is_well()
            await self._settle(lambda: outbox.remove(taken, now_ms))
            return
        self.failed += 1
        self._is_ill(answer)
        tries = taken.tries + 1
        again_ms = self._schedule.again_ms(
            taken.posting.created_ms, tries, now_ms, random.random(), answer.retry_after_s
        )
        if verdict is Verdict.GONE or again_ms is None:
            reason = "gone" if verdict is Verdict.GONE else "too old"
            self.dropped[reason] += 1
            log.warning("x webhook %s to %s is given up: %s", taken.posting.id, self._endpoint.name, answer)
            await self._settle(lambda: outbox.remove(taken, now_ms))
            return
        aside_ms = now_ms if verdict is Verdict.REFUSED else None
        await self._settle(lambda: outbox.postpone(taken, tries, again_ms, aside_ms))

    async def _settle(self, write: Callable[[], Awaitable[None]]) -> None:
        for _ in range(SETTLE_TRIES):
            try:
                await write()
                return
            except StoreError:
                await asyncio.sleep(SETTLE_AGAIN_S)
        log.warning("x the store is down: an event for %s is sent once more later", self._endpoint.name)

    def _is_ill(self, answer: Answer) -> None:
        if not self.failing:
            self.failing = True
            log.warning("x the webhook %s fails (%s): its events wait", self._endpoint.name, answer)

    def _is_well(self) -> None:
        if self.failing:
            self.failing = False
            log.warning("= the webhook %s takes events again", self._endpoint.name)
