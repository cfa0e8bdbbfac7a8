import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.frame import HEARD_BYTES, HEARD_SAMPLES, SILENCE, SPOKEN_BYTES, Frame
from server.media.tape import LATE_TICKS, LOST_TICKS, PIECE_TICKS, Piece, Tape


def frame(number: int) -> Frame:
    """A frame of the caller that differs from other frames and from silence."""
    return Frame(bytes([number % 250 + 1]) * HEARD_BYTES, number * HEARD_SAMPLES)


def spoken(number: int) -> bytes:
    return bytes([number % 250 + 1]) * SPOKEN_BYTES


def heard_in(pieces: list[Piece]) -> list[int]:
    """Which frame of the caller is at each tick, by its content. 0 is silence."""
    sound = b"".join(piece.heard for piece in pieces)
    return [sound[i] for i in range(0, len(sound), HEARD_BYTES)]


def spoken_in(pieces: list[Piece]) -> list[int]:
    sound = b"".join(piece.spoken for piece in pieces)
    return [sound[i] for i in range(0, len(sound), SPOKEN_BYTES)]


def run(arrivals: dict[int, list[int]], ticks: int) -> list[Piece]:
    """Run a call in which these frames of the caller arrive at each tick. Returns its pieces."""
    tape, pieces = Tape(), list[Piece | None]()
    for tick in range(ticks):
        for number in arrivals.get(tick, []):
            tape.hear(frame(number))
        pieces.append(tape.speak(spoken(tick)))
    pieces.append(tape.finish())
    return [piece for piece in pieces if piece is not None]


def test_both_sides_are_side_by_side() -> None:
    """Sound of both sides in the same 20 ms is at the same place in the recording."""
    pieces = run({tick: [tick] for tick in range(200)}, 200)
    assert heard_in(pieces) == spoken_in(pieces) == [i + 1 for i in range(200)]


def test_silence_has_its_time() -> None:
    """Silence is as long in the recording as it was in the call."""
    tape = Tape()
    pieces = [piece for _ in range(100) if (piece := tape.speak(None)) is not None] + [tape.finish()]
    assert sum(len(piece.spoken) for piece in pieces if piece) == 100 * SPOKEN_BYTES
    assert b"".join(piece.heard for piece in pieces if piece) == SILENCE * 100


def test_a_burst_goes_where_it_belongs() -> None:
    """Frames that the network held back for a while are at the places that they would have had without a delay."""
    arrivals = {tick: [tick] for tick in range(100)}
    for tick in range(50, 50 + LATE_TICKS):
        arrivals[50 + LATE_TICKS].append(arrivals[tick].pop())
    arrivals[50 + LATE_TICKS].sort()
    assert heard_in(run(arrivals, 100)) == [i + 1 for i in range(100)]


def test_what_comes_far_too_late_is_silence() -> None:
    """After a long stall, frames whose time was handed on already are left out. The others get their places."""
    arrivals = {tick: [tick] for tick in range(200) if not 50 <= tick < 130} | {130: list(range(50, 131))}
    heard = heard_in(run(arrivals, 200))
    missing = [tick for tick, content in enumerate(heard) if content == 0]
    assert missing == list(range(50, 50 + len(missing)))
    assert 0 < len(missing) <= 130 - LATE_TICKS - 50
    assert [content for content in heard if content] == [tick % 250 + 1 for tick in range(200) if tick not in missing]


def test_a_call_that_begins_late_begins_late() -> None:
    """If the caller's first frame comes at tick 40, it is at tick 40."""
    heard = heard_in(run({tick: [tick - 40] for tick in range(40, 100)}, 100))
    assert heard == [0] * 40 + [i + 1 for i in range(60)]


def test_a_late_first_frame_does_not_shift_the_rest() -> None:
    """The frames with the least delay decide where all frames are."""
    arrivals = {5: [0, 1, 2, 3, 4, 5]} | {tick: [tick] for tick in range(6, 60)}
    assert heard_in(run(arrivals, 60))[6:] == [i + 1 for i in range(6, 60)]


def test_a_new_connection_counts_from_the_start() -> None:
    """After a reconnect, the caller's frames are at the ticks at which they come."""
    arrivals = {tick: [tick] for tick in range(50)} | {tick: [tick - 70] for tick in range(70, 120)}
    heard = heard_in(run(arrivals, 120))
    assert heard == [i + 1 for i in range(50)] + [0] * 20 + [i + 1 for i in range(50)]


def test_a_clock_that_is_off_is_set_anew() -> None:
    """If the caller's sound is late from some point on, it is recorded again after half a second."""
    arrivals = {tick: [tick] for tick in range(50)} | {tick: [tick - 60] for tick in range(110, 300)}
    heard = heard_in(run(arrivals, 300))
    assert heard[: LATE_TICKS + 40] == [i + 1 for i in range(LATE_TICKS + 40)]
    assert heard[110 + LOST_TICKS + 1 :] == [tick - 60 + 1 for tick in range(110 + LOST_TICKS + 1, 300)]


@pytest.mark.parametrize("pause", [LATE_TICKS + 1, 15, 25, 30, 100])
def test_a_pause_of_the_client_costs_half_a_second_at_most(pause: int) -> None:
    """A client that pauses without counting the pause is late from then on. It costs at most half a second of sound."""
    arrivals = {tick: [tick] for tick in range(50)} | {tick + pause: [tick] for tick in range(50, 500)}
    heard = heard_in(run(arrivals, 500 + pause))
    assert sum(content != 0 for content in heard) >= 500 - LOST_TICKS
    assert heard[50 + pause + LOST_TICKS + 1 :] == [tick % 250 + 1 for tick in range(50 + LOST_TICKS + 1, 500)]


@given(
    st.lists(st.integers(0, 2_000) | st.just(-1), max_size=300),
    st.integers(0, 300),
)
def test_any_frames_make_a_tape_of_equal_sides(numbers: list[int], ticks: int) -> None:
    """Whatever frames come, both sides are as long as the call, and the number of frames that wait is limited."""
    tape, pieces = Tape(), list[Piece]()
    for i in range(max(ticks, len(numbers))):
        if i < len(numbers) and numbers[i] >= 0:
            tape.hear(frame(numbers[i]))
        if i < ticks and (piece := tape.speak(spoken(i))) is not None:
            pieces.append(piece)
        assert len(tape._heard) <= PIECE_TICKS + LATE_TICKS + 1
    if (piece := tape.finish()) is not None:
        pieces.append(piece)
    assert spoken_in(pieces) == [i % 250 + 1 for i in range(ticks)]
    assert len(heard_in(pieces)) == ticks
    assert [piece.tick for piece in pieces] == [PIECE_TICKS * i for i in range(len(pieces))]
