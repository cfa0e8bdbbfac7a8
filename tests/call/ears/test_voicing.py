from hypothesis import given
from hypothesis import strategies as st

from server.call.ears.voicing import Voicing, VoicingSettings
from server.media.frame import FRAME_MS

SETTINGS = VoicingSettings()
VOICE, DOUBT, SILENCE = 0.9, 0.4, 0.1


def voicing_after(*probabilities: float) -> Voicing:
    voicing = Voicing(SETTINGS)
    for probability in probabilities:
        voicing.receive(probability)
    return voicing


def test_a_click_is_no_voice() -> None:
    """Two frames of sound do not begin a voice."""
    assert not voicing_after(VOICE, VOICE, SILENCE, SILENCE).active


def test_three_frames_begin_a_voice() -> None:
    """A voice begins after 60 ms, which count as voiced."""
    voicing = voicing_after(VOICE, VOICE, VOICE)
    assert (voicing.active, voicing.voiced_ms, voicing.silence_ms) == (True, 60, 0)


def test_a_gap_delays_the_beginning() -> None:
    """Each silent frame takes one voiced frame back."""
    assert not voicing_after(VOICE, VOICE, SILENCE, VOICE).active
    assert voicing_after(VOICE, VOICE, SILENCE, VOICE, VOICE).active


def test_doubtful_sound_goes_on_but_does_not_begin() -> None:
    """A quiet ending belongs to its word. Alone, such sound is no voice."""
    assert not voicing_after(*[DOUBT] * 10).active
    assert voicing_after(VOICE, VOICE, VOICE, DOUBT).voiced_ms == 80
    assert not voicing_after(VOICE, VOICE, VOICE, SILENCE, DOUBT).voiced


def test_silence_is_counted_from_the_last_voice() -> None:
    """When the voice goes on, the silence ends, and the voiced time grows from what it was."""
    voicing = voicing_after(VOICE, VOICE, VOICE, SILENCE, SILENCE)
    assert (voicing.voiced_ms, voicing.silence_ms) == (60, 40)
    voicing.receive(VOICE)
    assert (voicing.voiced_ms, voicing.silence_ms) == (80, 0)


def test_rest_begins_anew() -> None:
    """After an utterance the next voice needs its 60 ms again."""
    voicing = voicing_after(VOICE, VOICE, VOICE, SILENCE)
    voicing.rest()
    assert (voicing.active, voicing.voiced_ms, voicing.silence_ms) == (False, 0, 0)
    voicing.receive(VOICE)
    voicing.receive(VOICE)
    assert not voicing.active
    voicing.receive(VOICE)
    assert voicing.active


@given(st.lists(st.floats(0, 1), max_size=200))
def test_every_frame_of_an_utterance_is_counted(probabilities: list[float]) -> None:
    """An active voice counts at least its first 60 ms, and its silence counts from the newest voiced frame."""
    voicing, silent_frames = Voicing(SETTINGS), 0
    for probability in probabilities:
        voicing.receive(probability)
        silent_frames = 0 if voicing.voiced else silent_frames + 1
        assert voicing.voiced or probability < SETTINGS.start_probability
        assert not voicing.voiced or probability >= SETTINGS.stop_probability
        if voicing.active:
            assert voicing.voiced_ms >= SETTINGS.start_ms
            assert voicing.silence_ms == silent_frames * FRAME_MS
        else:
            assert voicing.voiced_ms == voicing.silence_ms == 0
