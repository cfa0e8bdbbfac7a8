import pytest

from server.media.frame import (
    FRAME_MS,
    HEARD_BYTES,
    HEARD_RATE,
    HEARD_SAMPLES,
    SILENCE,
    SPOKEN_BYTES,
    SPOKEN_RATE,
    Frame,
)


def test_a_frame_is_20_ms() -> None:
    """The sizes match the sample rates: two bytes per sample, mono."""
    assert HEARD_BYTES == 2 * HEARD_SAMPLES == 2 * HEARD_RATE * FRAME_MS // 1000 == len(SILENCE)
    assert SPOKEN_BYTES == 2 * SPOKEN_RATE * FRAME_MS // 1000


@pytest.mark.parametrize("size", [0, HEARD_BYTES - 2, HEARD_BYTES + 2])
def test_a_frame_of_another_length_is_refused(size: int) -> None:
    """A Frame cannot be made from sound of another length than 20 ms."""
    with pytest.raises(ValueError, match=str(HEARD_BYTES)):
        Frame(bytes(size), 0)
