"""The bench of how the agent's voice sounds on bad lines."""

import numpy as np

from bench.media.codec import delay_of, distances, encoded, heard, samples_of
from server.media.frame import HEARD_RATE, SPOKEN_BYTES, SPOKEN_RATE
from tests.media.link import Impairment, Link
from tests.voices import resample, speak

PCM = speak("Good morning, what are your opening hours please?", rate_hz=SPOKEN_RATE)
FRAMES = [PCM[i : i + SPOKEN_BYTES] for i in range(0, len(PCM) - SPOKEN_BYTES, SPOKEN_BYTES)]
SAID = samples_of(resample(b"".join(FRAMES), SPOKEN_RATE, HEARD_RATE))


def test_a_sound_is_no_distance_from_itself() -> None:
    """The same sound is 0 dB away from itself. Half as loud a sound is 4 to 6 dB away in the middle."""
    assert distances(SAID, SAID).max() == 0
    halved = distances(SAID, SAID / 2)
    assert 4 < np.median(halved) <= halved.max() < 6.1


def test_the_delay_is_found() -> None:
    """Sound that is 100 samples late is found to be so."""
    assert delay_of(SAID, np.concatenate([np.zeros(100), SAID])) == 100


def test_losses_are_damage_and_copies_repair_it() -> None:
    """Without copies nothing is recovered. With copies, most of what is lost is, and less is damaged."""
    damaged = []
    for percent in (0, 10):
        packets, times = encoded(FRAMES, percent)
        pcm, lost, recovered = heard(packets, Link(Impairment(loss=0.2), seed=4))
        assert len(times) == len(FRAMES)
        assert lost > len(FRAMES) / 10
        assert (recovered > lost / 2) is (percent > 0)
        sound = samples_of(pcm)
        damaged.append(np.mean(distances(SAID, sound[delay_of(SAID, sound) :]) > 6))
    assert damaged[1] < damaged[0] / 2


def test_losses_come_in_bursts() -> None:
    """A link loses the share that it shall lose, in bursts of the set length."""
    for burst in (1, 2, 5):
        link = Link(Impairment(loss=0.1, burst=burst))
        arrived = "".join("x" if link.arrivals_ms(0.0) else "." for _ in range(20_000))
        assert abs(arrived.count(".") / len(arrived) - 0.1) < 0.01
        runs = [run for run in arrived.split("x") if run]
        assert all(len(run) % burst == 0 for run in runs[:-1])
