"""The engine's thread: which job gets the engine next."""

import threading
from collections.abc import Sequence

import pytest

from server.speech.engine_thread import IDLE, LEAD_S, MAX_JOBS, MOST_IDLE_S, EngineThread, Job


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


class Clock:
    """A clock that only goes on when a job computes."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Computing(Steps):
    """A job whose steps take `seconds` each on the clock."""

    def __init__(self, clock: Clock, name: str, urgency: int, count: int, log: list[str], seconds: float) -> None:
        super().__init__(name, urgency, count, log)
        self._clock, self._seconds = clock, seconds

    def step(self, others: Sequence[Job]) -> None:
        self._clock.now_s += self._seconds
        super().step(others)


def shared(used_s: float, *jobs: tuple[str, int, int]) -> str:
    """The order in which jobs are done after the call "g" has used the engine for `used_s`, and "o" for a moment.

    A job is named by its call, and has an urgency and a number of steps. Each step takes 40 ms.
    """
    clock, log, gate = Clock(), list[str](), Gate()
    thread = EngineThread("engine of a test", clock)
    try:
        for call, seconds in (("o", 0.05), ("g", used_s)):
            before = Computing(clock, "", 0, 1, [], seconds)
            thread.add(before, call)
            assert before.over.wait(10)
        thread.add(gate)
        made = [Computing(clock, name, urgency, count, log, 0.04) for name, urgency, count in jobs]
        for job in made:
            assert thread.add(job, job.name)
        gate.opened.set()
        assert all(job.over.wait(10) for job in made)
    finally:
        thread.close()
    return "".join(log)


@pytest.mark.parametrize("urgency", [0, 1])
def test_a_call_that_has_used_much_comes_last(urgency: int) -> None:
    """Of jobs that are as urgent, that of the call that has used the engine least goes first, whoever asked first."""
    assert shared(3.0, ("g", urgency, 3), ("o", urgency, 2)) == "ooggg"


def test_calls_share_an_engine_that_all_want() -> None:
    """Long jobs of calls that have used as much take turns, even if they are urgent; short ones are not cut in two."""
    order = shared(0.05, ("g", 0, 20), ("o", 0, 20))
    assert order[:20].count("g") == order[:20].count("o") == 10
    assert shared(0.0, ("x", 0, 2), ("y", 0, 2)) == "xxyy"


def test_urgent_jobs_go_first_as_long_as_their_call_has_used_little_more() -> None:
    """A final of an ordinary call goes before the sound of another one. A greedy call's does not."""
    assert shared(LEAD_S / 2, ("o", 1, 2), ("g", 0, 2)) == "ggoo"
    assert shared(LEAD_S * 2, ("o", 1, 2), ("g", 0, 2)) == "oogg"
    assert shared(LEAD_S * 2, ("g", 1, 2), ("o", 0, 2)) == "oogg"


def test_idle_time_is_not_for_a_greedy_call() -> None:
    """A call that has used much gets no drafts beside other calls, until some time has passed."""
    assert shared(MOST_IDLE_S / 2, ("g", IDLE, 1), ("o", 1, 1)) == "og"
    clock, log = Clock(), list[str]()
    thread = EngineThread("engine of a test", clock)
    try:
        for call in ("o", "g"):
            before = Computing(clock, "", 0, 1, [], 2 * MOST_IDLE_S)
            thread.add(before, call)
            assert before.over.wait(10)
        draft, after = Computing(clock, "g", IDLE, 1, log, 0.0), Computing(clock, "o", 1, 1, log, 0.0)
        thread.add(draft, "g")
        thread.add(after, "o")
        assert after.over.wait(10)
        assert not draft.over.is_set()
        clock.now_s += 20
        thread.wake()
        assert draft.over.wait(10)
    finally:
        thread.close()


def test_a_call_alone_has_the_engine_for_itself() -> None:
    """However much it has used, its drafts are made."""
    clock = Clock()
    thread, log = EngineThread("engine of a test", clock), list[str]()
    try:
        for urgency, seconds in ((0, 60.0), (IDLE, 1.0)):
            job = Computing(clock, "g", urgency, 1, log, seconds)
            thread.add(job, "g")
            assert job.over.wait(10)
    finally:
        thread.close()


def test_a_call_has_no_more_than_so_many_jobs() -> None:
    """What is beyond is not taken, until another job of the call is dropped. Jobs of nobody do not count."""
    thread = EngineThread("engine of a test")
    try:
        jobs = [Steps("a", 1, 0, []) for _ in range(MAX_JOBS)]
        assert all(thread.add(job, "greedy") for job in jobs)
        one_more = Steps("b", 1, 0, [])
        assert not thread.add(one_more, "greedy")
        assert thread.add(Steps("c", 1, 0, []), "other")
        assert all(thread.add(Steps("d", 1, 0, [])) for _ in range(2 * MAX_JOBS))
        thread.drop(one_more)
        thread.drop(jobs[0])
        assert thread.add(one_more, "greedy")
    finally:
        thread.close()
