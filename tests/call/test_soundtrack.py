from server.call.listeners import Listeners
from server.call.soundtrack import Soundtrack
from server.media.frame import SILENCE, Frame


class Tape:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.tracks: list[bytes | int | None] = []
        self.closed = False

    def heard(self, frame: Frame) -> None:
        self.tracks.append(frame.pcm)

    def spoken(self, pcm: bytes | None) -> None:
        self.tracks.append(pcm)

    def skip(self, ms: int) -> None:
        self.tracks.append(ms)

    def close(self) -> None:
        self.closed = True


def test_frames_that_left_ahead_are_heard_in_their_turn() -> None:
    """The caller hears each frame of a reply later by what left before its time, until the end of the reply."""
    tape = Tape()
    soundtrack = Soundtrack(tape, Listeners())
    assert soundtrack.pass_frame(b"1") == b"1"
    soundtrack.leave_ahead(b"2")
    soundtrack.leave_ahead(b"3")
    assert [soundtrack.pass_frame(frame) for frame in (b"4", None, None, None)] == [b"2", b"3", b"4", None]
    assert tape.tracks == [b"1", b"2", b"3", b"4", None]


def test_dropped_frames_are_not_heard() -> None:
    """What the client throws away from its buffer is neither heard nor recorded."""
    tape = Tape()
    soundtrack = Soundtrack(tape, Listeners())
    soundtrack.leave_ahead(b"1")
    soundtrack.drop_ahead()
    assert soundtrack.pass_frame(None) is None
    assert tape.tracks == [None]


def test_a_recorder_gets_both_sides_and_the_gaps() -> None:
    """The caller's frames, the time without a connection and the end of the call reach the recorder."""
    tape = Tape()
    soundtrack = Soundtrack(tape, Listeners())
    soundtrack.hear(Frame(SILENCE, start_samples=0))
    soundtrack.skip(300)
    soundtrack.close()
    assert tape.tracks == [SILENCE, 300]
    assert tape.closed


def test_without_a_recorder_nothing_is_kept() -> None:
    """The caller hears the same frames when the call is not recorded."""
    soundtrack = Soundtrack(None, Listeners())
    soundtrack.hear(Frame(SILENCE, start_samples=0))
    soundtrack.leave_ahead(b"1")
    soundtrack.skip(300)
    assert soundtrack.pass_frame(b"2") == b"1"
    soundtrack.close()
