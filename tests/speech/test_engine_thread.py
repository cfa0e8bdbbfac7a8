"""Who gets the engine next."""

import threading

from server.speech.engine_thread import EngineThread


class Steps:
    """A job of so many steps; `log` is the order in which all were done."""

    def __init__(self, name: str, urgency: int, count: int, log: list[str]) -> None:
        self.name, self.level, self.left, self.log = name, urgency, count, log
        self.over = threading.Event()
        self.discarded = 0

    def urgency(self) -> int | None:
        return self.level if self.left else None

    def step(self) -> None:
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

    def step(self) -> None:
        super().step()
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


def test_the_urgent_go_first_and_one_after_the_other() -> None:
    """What somebody waits for is done in the order of asking, and all of the one before the next begins."""
    log: list[str] = []
    assert order(Steps("c", 1, 2, log), Steps("a", 0, 2, log), Steps("b", 0, 2, log)) == "aabbcc"


def test_the_rest_goes_round() -> None:
    """Works of the same urgency take turns."""
    log: list[str] = []
    assert order(Steps("a", 1, 3, log), Steps("b", 1, 3, log), Steps("c", 2, 1, log)) == "abababc"


def test_a_dropped_work_is_discarded_once() -> None:
    """No step of it is done any more, and it gives back what it holds, on the thread."""
    thread, job = EngineThread("engine of a test"), Steps("a", 1, 0, [])
    thread.add(job)
    thread.drop(job)
    thread.drop(job)
    assert job.over.wait(10)
    thread.close()
    assert (job.discarded, job.log) == (1, [])


def test_a_step_that_raises_costs_its_own_work() -> None:
    """The thread outlives a bug in a step and does the others."""

    class Broken(Steps):
        def step(self) -> None:
            raise RuntimeError

    log: list[str] = []
    broken = Broken("x", 0, 1, log)
    assert order(Steps("a", 1, 1, log), broken) == "a"
    assert broken.discarded == 1


def test_a_discard_that_raises_costs_its_own_work() -> None:
    """So it does: an engine that fails in the middle may not take back what it gave, and others still call."""

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
