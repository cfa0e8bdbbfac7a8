"""The engine's thread: which job gets the engine next."""

import threading
from collections.abc import Sequence

from server.speech.engine_thread import EngineThread, Job


class Steps:
    """A job of so many steps; `log` is the order in which all were done."""

    def __init__(self, name: str, urgency: int, count: int, log: list[str]) -> None:
        self.name, self.level, self.left, self.log = name, urgency, count, log
        self.over = threading.Event()
        self.discarded = 0

    def urgency(self) -> int | None:
        return self.level if self.left else None

    def step(self, others: Sequence[Job]) -> None:
        self.left -= 1
        self.log.append(self.name)
        if not self.left:
            self.over.set()

    def discard(self) -> None:
        self.discarded += 1
        self.over.set()


class Gate(Steps):
    """Holds the thread until all others are there."""

    def __init__(self) -> None:
        super().__init__("", 0, 1, [])
        self.opened = threading.Event()

    def step(self, others: Sequence[Job]) -> None:
        super().step(others)
        self.opened.wait(10)


def order(*jobs: Steps) -> str:
    thread, gate = EngineThread("engine of a test"), Gate()
    try:
        thread.add(gate)
        for job in jobs:
            thread.add(job)
        gate.opened.set()
        assert all(job.over.wait(10) for job in jobs)
    finally:
        thread.close()
    return "".join(jobs[0].log)


def test_urgent_jobs_go_first_and_one_after_the_other() -> None:
    """Jobs of urgency 0 go first, and each of them is finished before the next one begins."""
    log: list[str] = []
    assert order(Steps("c", 1, 2, log), Steps("a", 0, 2, log), Steps("b", 0, 2, log)) == "aabbcc"


def test_less_urgent_jobs_take_turns() -> None:
    """Works of the same urgency take turns."""
    log: list[str] = []
    assert order(Steps("a", 1, 3, log), Steps("b", 1, 3, log), Steps("c", 2, 1, log)) == "abababc"


def test_a_dropped_job_is_discarded_once() -> None:
    """A dropped job takes no further step, and it is discarded once, on the thread."""
    thread, job = EngineThread("engine of a test"), Steps("a", 1, 0, [])
    thread.add(job)
    thread.drop(job)
    thread.drop(job)
    assert job.over.wait(10)
    thread.close()
    assert (job.discarded, job.log) == (1, [])


def test_a_step_that_raises_ends_only_its_job() -> None:
    """When a step raises, only its job is dropped, and the thread goes on with the others."""

    class Broken(Steps):
        def step(self, others: Sequence[Job]) -> None:
            raise RuntimeError

    log: list[str] = []
    broken = Broken("x", 0, 1, log)
    assert order(Steps("a", 1, 1, log), broken) == "a"
    assert broken.discarded == 1


def test_a_discard_that_raises_ends_only_its_job() -> None:
    """When a discard raises, the thread goes on with the other jobs."""

    class Broken(Steps):
        def discard(self) -> None:
            super().discard()
            raise RuntimeError

    thread, broken, after = EngineThread("engine of a test"), Broken("x", 1, 0, []), Steps("a", 0, 1, [])
    try:
        thread.add(broken)
        thread.drop(broken)
        assert broken.over.wait(10)
        thread.add(after)
        assert after.over.wait(10)
    finally:
        thread.close()
