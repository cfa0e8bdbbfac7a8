"""The ears: what they tell of a voice and of its pauses."""

import pytest

from server.call.ears.ears import Ears
from server.call.ears.voicing import VoicingSettings
from server.media.frame import FRAME_MS, HEARD_SAMPLES, SILENCE, Frame
from tests.fakes.engines import EnergyVad, sound


@pytest.mark.parametrize("pause_ms", [0, 80])
def test_a_pause_begins_only_when_the_voice_is_silent(pause_ms: int) -> None:
    """A voice that is heard does not pause, even where the shortest silence counts as a pause."""
    ears = Ears(EnergyVad(), VoicingSettings(), pause_ms)
    heard = [sound("well", number, 10) for number in range(10)]
    for number, pcm in enumerate(heard):
        ears.hear(Frame(pcm, number * HEARD_SAMPLES))
        assert not ears.pausing
    for number in range(max(1, pause_ms // FRAME_MS)):
        assert not ears.pausing
        ears.hear(Frame(SILENCE, (len(heard) + number) * HEARD_SAMPLES))
    assert ears.pausing
