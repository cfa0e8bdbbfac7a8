"""One engine and one thread serve many calls. This file decides which call gets the engine next.

An engine blocks while it computes, and only one thread may use it. So each call's job is done in short steps. Urgent
jobs go first, unless their call has used much more of the engine lately than another one that waits (`shares.py`). Jobs
that nothing sets apart take turns. Nothing here knows what a step does.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from server.speech.shares import Shares

MAX_JOBS = 8
"""How many jobs one call may have. An ordinary call has at most three: what is being said, the words before it, and an
answer. More of them would only use up memory while they wait for each other."""

IDLE = 2
"""The urgency of jobs that wait until there is nothing else to do."""
MOST_IDLE_S = 4.0
"""A call that has used the engine for longer than this lately gets nothing done that only fills idle time, unless it is
alone: a step cannot be interrupted, so somebody else might have to wait for it."""
LEAD_S = 1.0
"""An urgent job goes before another one as long as its call has used the engine for no more than this longer than the
other call. Ordinary calls seldom differ by so much."""
ROUND_S = 0.1
"""What calls have used is compared in steps of this length. So a call finishes what it needs at once, such as the first
sound of an answer, before the next one has its turn; if they changed places all the time, both would be late."""

log = logging.getLogger(__name__)


class Job(Protocol):
    """What one call wants from the engine. `step` and `discard` run on the engine's thread, `urgency` on any thread."""

    def urgency(self) -> int | None:
        """How urgent the next step is: 0 is urgent, 1 can wait, and IDLE waits until there is nothing else to do. None
        means that there is nothing to do now."""

    def step(self, others: Sequence["Job"]) -> None:
        """Do one short piece of the job. A job that fails tells its client, and then raises.

        `others` are as urgent, the next one first. The job may do a piece of some of them in the same go, where the
        engine can.
        """

    def discard(self) -> None:
        """Give back what the engine holds for this job; idempotent."""


class EngineThread:
    """Takes the steps of all jobs. Any thread may call `add`, `drop` and `wake`; they return at once."""

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is a steady clock, in seconds."""
        self._now = now
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._calls: dict[Job, Hashable] = {}
        """Whose jobs they are. A job of nobody is its own call."""
        self._shares = Shares()
        self._dropped: deque[Job] = deque()
        self._closed = False
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, job: Job, call: str = "") -> bool:
        """False if the call has too many jobs: then the job is not taken. Without a `call` it is a call of its own."""
        with self._changed:
            if call and list(self._calls.values()).count(call) >= MAX_JOBS:
                return False
            self._jobs.append(job)
            self._calls[job] = call or object()
            self._changed.notify()
        return True

    def drop(self, job: Job) -> None:
        """Take no further step of `job`, and discard it as soon as the engine is free; idempotent."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
                del self._calls[job]
                self._dropped.append(job)
                self._changed.notify()

    def wake(self) -> None:
        """Look at all jobs again, because one of them has something new to do."""
        with self._changed:
            self._changed.notify()

    def busy_s(self) -> float:
        """How long the current step has run. A long time means that the engine hangs."""
        since = self._busy_since
        return 0.0 if since is None else self._now() - since

    def close(self, deadline_s: float = 1.0) -> None:
        """End the thread. It is a daemon: a step that outlasts the deadline is left to the end of the process."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(deadline_s)

    def _run(self) -> None:
        while (chosen := self._next()) is not None:
            job, *others = chosen
            call = self._calls.get(job, "")
            self._busy_since = begun_s = self._now()
            try:
                job.step(others)
            except Exception:  # drop only the job that failed: the other calls go on
                log.exception("a step failed, so its job is dropped")
                self.drop(job)
            self._busy_since = None
            now_s = self._now()
            self._shares.charge(call, now_s - begun_s, now_s)

    def _next(self) -> list[Job] | None:
        """Wait for the next job to step, with those that are as urgent; None when the thread shall end."""
        while True:
            with self._changed:
                while not (self._closed or self._dropped or (chosen := self._choose())):
                    self._changed.wait()
                if self._closed:
                    return None
                if not self._dropped:
                    return chosen
                dropped = self._dropped.popleft()
            try:
                dropped.discard()  # without the lock, because the engine may take long
            except Exception:  # as in `_run`, only this job fails
                log.exception("a dropped job cannot be discarded")

    def _choose(self) -> list[Job]:
        """The next job, and those that are as urgent; empty if there is nothing to do."""
        urgencies = {job: urgency for job in self._jobs if (urgency := job.urgency()) is not None}
        wanted = [job for job, urgency in urgencies.items() if urgency < IDLE]
        ready = wanted or [job for job in urgencies if self._may_fill_idle_time(job)]
        if not ready:
            return []
        first, *others = sorted(ready, key=lambda job: self._place(job, urgencies[job]))  # ties stay in their order
        if urgencies[first] > 0:  # an urgent job keeps its place until it is done; others take turns
            self._jobs.remove(first)
            self._jobs.append(first)
        return [first, *(job for job in others if urgencies[job] == urgencies[first])]

    def _may_fill_idle_time(self, job: Job) -> bool:
        call = self._calls[job]
        return self._shares.is_alone(call) or self._shares.used_s(call, self._now()) <= MOST_IDLE_S

    def _place(self, job: Job, urgency: int) -> int:
        return int((self._shares.used_s(self._calls[job], self._now()) + LEAD_S * urgency) / ROUND_S)
