import numpy as np
import pytest

from server.media.frame import HEARD_SAMPLES, SPOKEN_BYTES, SPOKEN_SAMPLES, Frame
from server.media.mixer import MAX_WAITING, Mixer


def heard(level: int, number: int = 0) -> Frame:
    """A frame of the caller in which every sample is `level`."""
    return Frame(np.full(HEARD_SAMPLES, level, "<i2").tobytes(), number * HEARD_SAMPLES)


def spoken(level: int) -> bytes:
    return np.full(SPOKEN_SAMPLES, level, "<i2").tobytes()


def level_of(pcm: bytes | None) -> int:
    """The level in the middle of a frame, where no neighbour has changed it. 0 is silence."""
    if pcm is None:
        return 0
    assert len(pcm) == SPOKEN_BYTES
    return int(np.median(np.frombuffer(pcm, "<i2")))


def levels(mixer: Mixer, arrivals: list[list[int]]) -> list[int]:
    """The levels that are mixed in ticks before which frames of the caller with these levels have come."""
    mixed = []
    for frames in arrivals:
        for level in frames:
            mixer.hear(heard(level))
        mixed.append(level_of(mixer.mix(None)))
    return mixed


def test_the_agent_alone_passes_as_it_is() -> None:
    """While the caller is silent, or sends nothing, nothing is done to the agent's sound. Silence is None."""
    mixer = Mixer()
    for _ in range(3):
        mixer.hear(heard(0))
        assert mixer.mix(spoken(7)) == spoken(7)
    assert mixer.mix(spoken(8)) == spoken(8)
    assert mixer.mix(None) is None


def test_the_caller_is_heard_a_tick_later() -> None:
    """Each frame once, in order, and then silence again."""
    mixed = levels(Mixer(), [[1_000], [2_000], [3_000], [], [], [], []])
    assert mixed == [0, *(pytest.approx(level, abs=20) for level in (1_000, 2_000, 3_000)), 0, 0, 0]


@pytest.mark.parametrize(("caller", "agent", "both"), [(5_000, 3_000, 8_000), (20_000, 20_000, 32_767)])
@pytest.mark.parametrize("sign", [1, -1])
def test_both_are_one_sound(caller: int, agent: int, both: int, sign: int) -> None:
    """The sides are added. What is too loud is clipped, and does not wrap around."""
    mixer = Mixer()
    for _ in range(4):
        mixer.hear(heard(sign * caller))
        mixed = mixer.mix(spoken(sign * agent))
    assert level_of(mixed) == pytest.approx(sign * both, abs=20)


def test_frames_that_come_together_are_heard_one_after_the_other() -> None:
    """A network that brings 100 ms at a time leaves no gap, also when one of these comes late."""
    burst, nothing, times = [1_000] * 5, list[int](), (0, 5, 11, 15)
    mixed = levels(Mixer(), [burst if tick in times else nothing for tick in range(18)])
    silent = [number for number, level in enumerate(mixed) if level < 900]
    assert silent == [0, 11], "before the first frame, and where one was late"


def test_the_caller_is_never_far_behind() -> None:
    """When many frames come at once, the oldest are left out."""
    mixer = Mixer()
    for number in range(50):
        mixer.hear(heard(100 * number, number))
    mixed = [level_of(mixer.mix(None)) for _ in range(MAX_WAITING + 3)]
    assert mixed[1:] == [
        *(pytest.approx(100 * number, abs=20) for number in range(50 - MAX_WAITING, 50)),
        *([0] * 2),
    ]
