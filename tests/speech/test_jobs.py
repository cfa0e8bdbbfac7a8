"""What the jobs of a worker do with engines that finish several utterances at once, or work in steps."""

from collections.abc import Iterator, Sequence

import pytest

from server.speech.engine_thread import IDLE
from server.speech.jobs import Done, Failure, Final, Partial, RecognitionJob, SynthesisJob

SOUND = bytes(3_200)


class Recognition:
    """Its words are its number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.language = f"x-{number}"

    def feed(self, pcm: bytes) -> None:
        return None

    def finish(self) -> str:
        return f"{self.number} alone"

    def discard(self) -> None:
        pass


class Batching:
    """An engine that takes up to `batch` utterances in one go."""

    name = "batching"
    languages = ("en",)

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.goes: list[list[int]] = []
        self.broken = False
        self._started = 0

    def start(self, phrases: Sequence[str], language: str, others: Sequence[str] = ()) -> Recognition:
        self._started += 1
        return Recognition(self._started)

    def finish_together(self, recognitions: Sequence[Recognition]) -> list[str]:
        if self.broken:
            raise RuntimeError("broken")
        self.goes.append([each.number for each in recognitions])
        return [f"{each.number} together" for each in recognitions]


class Jobs:
    """Three utterances that the engine has heard."""

    def __init__(self, engine: Batching, stopped: int = 3) -> None:
        self.results: list[list[Partial | Final | Failure]] = [[], [], []]
        self.all = [RecognitionJob(engine, (), "", results.append) for results in self.results]
        for job in self.all:
            job.feed(SOUND)
            job.step(())
            job.step(())
        for job in self.all[:stopped]:
            job.stop()


def test_words_that_are_due_are_found_together() -> None:
    """One go gives the words of all utterances that have ended, each to its own client."""
    engine = Batching(8)
    jobs = Jobs(engine)
    jobs.all[0].step(jobs.all[1:])
    assert engine.goes == [[1, 2, 3]]
    assert jobs.results == [[Final(f"{at} together", f"x-{at}", together=3)] for at in (1, 2, 3)]
    assert [job.urgency() for job in jobs.all] == [None] * 3


@pytest.mark.parametrize(("batch", "stopped", "goes"), [(2, 3, [[1, 2]]), (8, 2, [[1, 2]]), (1, 3, []), (8, 1, [])])
def test_a_go_has_its_limits(batch: int, stopped: int, goes: list[list[int]]) -> None:
    """A go has no more utterances than the engine takes, and none that is still spoken. One alone is finished alone."""
    engine = Batching(batch)
    jobs = Jobs(engine, stopped)
    jobs.all[0].step(jobs.all[1:])
    assert engine.goes == goes
    assert bool(jobs.results[2]) is False
    if not goes:
        assert jobs.results[0] == [Final("1 alone", "x-1")]


def test_a_go_that_fails_is_told_to_all() -> None:
    """When a go fails, each client is told, and the jobs are over."""
    engine = Batching(8)
    jobs = Jobs(engine)
    engine.broken = True
    with pytest.raises(RuntimeError):
        jobs.all[0].step(jobs.all[1:])
    assert all(isinstance(result, Failure) for (result,) in jobs.results)
    assert [job.urgency() for job in jobs.all] == [None] * 3


def test_whole_recordings_are_finished_together() -> None:
    """An utterance whose sound came all at once joins the go of another one, before the engine has heard any of it."""
    engine = Batching(8)
    results: list[Partial | Final | Failure] = []
    whole = [RecognitionJob(engine, (), "", results.append) for _ in range(3)]
    for job in whole:
        job.feed(SOUND * 20)
        job.stop()
    whole[0].step(whole[1:])
    assert results == [Final(f"{at} together", f"x-{at}", together=3) for at in (1, 2, 3)]


def test_a_draft_waits_for_final_words() -> None:
    """A client that says that it can wait gets its words when there is nothing else to do."""
    draft, final = (RecognitionJob(Batching(8), (), "", list[Partial | Final | Failure]().append) for _ in range(2))
    draft.stop(can_wait=True)
    final.stop()
    assert (draft.urgency(), final.urgency()) == (IDLE, 0)


class Slow:
    """A text-to-speech engine that works in three steps for each chunk."""

    name, rate, languages = "slow", 8_000, ("en",)

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        for word in text.split():
            yield b""
            yield b""
            yield word.encode()


def test_a_piece_of_work_is_not_sound() -> None:
    """A step in which the engine only worked emits nothing, and a text stays urgent until its first sound."""
    results: list[bytes | Done | Failure] = []
    job = SynthesisJob(Slow(), "ab cd", "", results.append)
    urgency = []
    while (now := job.urgency()) is not None:
        urgency.append(now)
        job.step(())
    assert results[:2] == [b"ab", b"cd"]
    assert isinstance(results[2], Done)
    assert urgency == [0, 0, 0, 1, 1, 1, 1]


def test_nobody_waits_for_more_sound() -> None:
    """A text for a caller who still has sound to hear is never urgent."""
    job = SynthesisJob(Slow(), "ab", "", list[bytes | Done | Failure]().append, has_sound=True)
    assert job.urgency() == 1
