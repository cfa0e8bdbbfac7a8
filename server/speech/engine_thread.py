"""One engine, one thread, many calls: who gets the engine next.

An engine blocks while it works and may be used by one thread only, so calls share it in short steps: the most urgent
one first, equals in turn. Nothing here knows what a step does.
"""

import logging
import threading
import time
from collections import deque
from typing import Protocol

_log = logging.getLogger(__name__)


class Work(Protocol):
    """What one call still wants of the engine. `step` and `discard` run on the engine's thread, `urgency` anywhere."""

    def urgency(self) -> int | None:
        """How urgent the next step is, 0 first; None when there is nothing to do now."""

    def step(self) -> None:
        """Do one short piece. It reports its own failures: nothing is raised."""

    def discard(self) -> None:
        """Give back what the engine holds for it; idempotent."""


class EngineThread:
    """Runs the steps of all works. `add`, `drop` and `wake` may be called from any thread and never wait long."""

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._works: deque[Work] = deque()
        self._dropped: deque[Work] = deque()
        self._closed = False
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, work: Work) -> None:
        with self._changed:
            self._works.append(work)
            self._changed.notify()

    def drop(self, work: Work) -> None:
        """Take no further step of `work` and discard it as soon as the engine is free; idempotent."""
        with self._changed:
            if work in self._works:
                self._works.remove(work)
                self._dropped.append(work)
                self._changed.notify()

    def wake(self) -> None:
        """Some work has more to do than before."""
        with self._changed:
            self._changed.notify()

    def busy_s(self) -> float:
        """How long the step under way has lasted: a long time means that the engine hangs."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self, deadline_s: float = 1.0) -> None:
        """End the thread; a step that outlasts the deadline is left behind, as a daemon, for the process to end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(deadline_s)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            self._busy_since = time.monotonic()
            try:
                work.step()
            except Exception:  # a bug of ours: one call goes silent until its deadline, the others go on
                _log.exception("a step failed and its work is dropped")
                self.drop(work)
            self._busy_since = None

    def _next(self) -> Work | None:
        """Wait for the next work; None at the end."""
        while True:
            with self._changed:
                while not (self._closed or self._dropped or (chosen := self._choose()) is not None):
                    self._changed.wait()
                if self._closed:
                    return None
                if not self._dropped:
                    return chosen
                dropped = self._dropped.popleft()
            try:
                dropped.discard()  # outside of the lock: the engine may take its time
            except Exception:  # as in a step
                _log.exception("a work could not be given back")

    def _choose(self) -> Work | None:
        ready = [(urgency, work) for work in self._works if (urgency := work.urgency()) is not None]
        if not ready:
            return None
        urgency, work = min(ready, key=lambda pair: pair[0])
        if urgency > 0:  # what somebody waits for is finished first; the rest goes round
            self._works.remove(work)
            self._works.append(work)
        return work
