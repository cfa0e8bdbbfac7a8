from collections.abc import Iterator

from server.speech.jobs import Done, Failure, SynthesisJob


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
        job.step()
    assert results[:2] == [b"ab", b"cd"]
    assert isinstance(results[2], Done)
    assert urgency == [0, 0, 0, 1, 1, 1, 1]
