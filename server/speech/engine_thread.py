"""One engine and one thread serve many calls. This file decides which call gets the engine next.

An engine blocks while it computes, and only one thread may use it. So each call's job is done in short steps: the most
urgent job goes first, and jobs of equal urgency take turns. Nothing here knows what a step does.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

log = logging.getLogger(__name__)


class Job(Protocol):
    """What one call wants from the engine. `step` and `discard` run on the engine's thread, `urgency` on any thread."""

    def urgency(self) -> int | None:
        """How urgent the next step is: 0 is the most urgent, None means that there is nothing to do now."""

    def step(self, others: Sequence["Job"]) -> None:
        """Do one short piece of the job. A job that fails tells its client, and then raises.

        `others` are as urgent. The job may do a piece of some of them in the same go, where the engine can.
        """

    def discard(self) -> None:
        """Give back what the engine holds for this job; idempotent."""


class EngineThread:
    """Takes the steps of all jobs. Any thread may call `add`, `drop` and `wake`; they return at once."""

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._dropped: deque[Job] = deque()
        self._closed = False
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, job: Job) -> None:
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def drop(self, job: Job) -> None:
        """Take no further step of `job`, and discard it as soon as the engine is free; idempotent."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
                self._dropped.append(job)
                self._changed.notify()

    def wake(self) -> None:
        """Look at all jobs again, because one of them has something new to do."""
        with self._changed:
            self._changed.notify()

    def busy_s(self) -> float:
        """How long the current step has run. A long time means that the engine hangs."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self, deadline_s: float = 1.0) -> None:
        """End the thread. It is a daemon: a step that outlasts the deadline is left to the end of the process."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(deadline_s)

    def _run(self) -> None:
        while (chosen := self._next()) is not None:
            job, *others = chosen
            self._busy_since = time.monotonic()
            try:
                job.step(others)
            except Exception:  # drop only the job that failed: the other calls go on
                log.exception("a step failed, so its job is dropped")
                self.drop(job)
            self._busy_since = None

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
        ready = [(urgency, job) for job in self._jobs if (urgency := job.urgency()) is not None]
        if not ready:
            return []
        urgency = min(urgency for urgency, _ in ready)
        chosen = [job for each, job in ready if each == urgency]
        if urgency > 0:  # the most urgent job keeps its place until it is done; less urgent jobs take turns
            self._jobs.remove(chosen[0])
            self._jobs.append(chosen[0])
        return chosen
