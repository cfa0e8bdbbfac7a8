import numpy as np
import pytest

from server.call.listeners import MAX_LISTENERS, Listeners
from server.call.soundtrack import Soundtrack
from server.errors import AtCapacity, NotFound
from server.media.frame import HEARD_SAMPLES, SPOKEN_BYTES, Frame

AGENT = b"\x01\x02" * (SPOKEN_BYTES // 2)
CALLER = Frame(np.full(HEARD_SAMPLES, 1_000, "<i2").tobytes(), 0)


class Ear:
    """A listener that keeps what it is given."""

    def __init__(self) -> None:
        self.played: list[bytes | None] = []
        self.ended = 0

    def play(self, pcm: bytes | None) -> None:
        self.played.append(pcm)

    def end(self) -> None:
        self.ended += 1


def test_a_listener_hears_what_the_caller_says_and_hears() -> None:
    """Frames that the client was given before their time are heard in their turn."""
    listeners, ear = Listeners(), Ear()
    soundtrack = Soundtrack(None, listeners)
    soundtrack.pass_frame(AGENT)
    listeners.join(ear)
    soundtrack.leave_ahead(AGENT)
    soundtrack.pass_frame(None)
    soundtrack.pass_frame(None)
    assert ear.played == [AGENT, None]
    soundtrack.hear(CALLER)
    soundtrack.hear(CALLER)
    for _ in range(2):
        soundtrack.pass_frame(None)
    assert np.median(np.frombuffer(ear.played[-1] or b"", "<i2")) == pytest.approx(1_000, abs=20)


def test_nothing_of_the_time_before_is_heard() -> None:
    """Neither by the first listener, nor by the next one after all have left."""
    listeners = Listeners()
    for _ in range(2):
        listeners.hear(CALLER)
        listeners.hear(CALLER)
        ear = Ear()
        listeners.join(ear)
        for _ in range(3):
            listeners.pass_frame(None)
        assert ear.played == [None] * 3
        listeners.hear(CALLER)
        listeners.leave(ear)


def test_there_is_room_for_so_many() -> None:
    """One who leaves makes room. To leave again does nothing."""
    listeners, ears = Listeners(), [Ear() for _ in range(MAX_LISTENERS + 1)]
    for ear in ears[:-1]:
        listeners.join(ear)
    with pytest.raises(AtCapacity, match="4 listen"):
        listeners.join(ears[-1])
    listeners.leave(ears[0])
    listeners.leave(ears[0])
    listeners.join(ears[-1])
    listeners.pass_frame(AGENT)
    assert [len(ear.played) for ear in ears] == [0, *([1] * MAX_LISTENERS)]


def test_all_end_with_the_call() -> None:
    """Nobody can join afterwards."""
    listeners, ear = Listeners(), Ear()
    listeners.join(ear)
    listeners.close()
    listeners.pass_frame(AGENT)
    assert (ear.ended, ear.played) == (1, [])
    with pytest.raises(NotFound):
        listeners.join(Ear())


def test_a_fault_ends_the_listeners_and_not_the_call() -> None:
    """Sound that cannot be mixed does not raise. Others may listen afterwards."""
    listeners, ear = Listeners(), Ear()
    listeners.join(ear)
    for _ in range(3):
        listeners.hear(CALLER)
        listeners.pass_frame(b"not a frame")
    assert ear.ended == 1
    another = Ear()
    listeners.join(another)
    listeners.pass_frame(AGENT)
    assert another.played == [AGENT]
