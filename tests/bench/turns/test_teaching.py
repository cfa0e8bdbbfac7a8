"""What the cadence is taught and measured with: sentences, their sounds, and the computation of the weights."""

import numpy as np
import pytest

from bench.turns import lessons as taught
from bench.turns.corpus import VOICES, corpus, parsed
from bench.turns.lessons import lessons, others
from bench.turns.listening import FADE_SAMPLES, by_espeak, faded, sound
from bench.turns.pauses import kinds, policy
from bench.turns.teaching import Example, examples, learned, told_apart
from bench.turns.trace import Moment, Trace, attempts, cut_by_place
from server.call.turns.cadence import LEARNED, Ending, Weights
from server.call.turns.endpoint import EndpointSettings
from server.media.frame import FRAME_MS, HEARD_RATE
from server.speech.vad import Silero
from tests.voices import speak_parts


def test_a_line_is_parts_pauses_and_tunes() -> None:
    """There is a comma at a clause and between the groups of a number, and a question mark where one is written."""
    found = parsed("# are you {open} there {clause} at nine {number} one?", lambda place: 300, "en-us", 160)
    assert found.parts == ("are you", "there", "at nine", "one")
    assert found.marked == ("are you", "there,", "at nine,", "one?")
    assert [pause.place for pause in found.pauses] == ["open", "clause", "number"]
    assert found.agent_text.endswith("number?")
    assert parsed("yes", lambda place: 300, "en-us", 160).marked == ("yes",)


def test_lessons_and_corpus_have_nothing_in_common() -> None:
    """They share neither a sentence nor a voice. Otherwise the test would show only what was learned by heart."""
    assert not {spoken.text for spoken in lessons()} & {spoken.text for spoken in corpus()}
    assert not set(taught.VOICES) & set(VOICES)
    assert {spoken.voice for spoken in others()} == set(VOICES)


def test_a_sentence_is_cut_where_it_pauses() -> None:
    """The sentence is said in one breath. All its sound is in the parts, and between them is the pause."""
    spoken = parsed("i want to cancel my order {and} and to book a room", lambda place: 500, "en-us", 160)
    pcm, parts_ms = sound(spoken)
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(int))
    loud_ms = {int(place) * 1000 // HEARD_RATE for place in np.flatnonzero(samples > 200)}
    (first, last), (then, end) = parts_ms
    assert then - last == pytest.approx(500, abs=1)
    assert loud_ms <= set(range(first, last + 1)) | set(range(then, end + 1))
    assert b"".join(by_espeak(spoken)) == speak_parts((" ".join(spoken.parts),), "en-us", speed=160)[0]


def test_a_voice_dies_away() -> None:
    """The end of a part fades out, so that no part ends with a click. The sound before it is unchanged."""
    loud = np.full(4 * FADE_SAMPLES, 8_000, "<i2").tobytes()
    samples = np.frombuffer(faded(loud), "<i2")
    assert samples[-1] == 0
    assert samples[-FADE_SAMPLES // 2] == pytest.approx(4_000, abs=50)
    assert (samples[: 3 * FADE_SAMPLES] == 8_000).all()


def test_examples_are_what_the_ears_hear() -> None:
    """There is an example for each pause and one for the end, and the end sounds more like an end."""
    spoken = parsed("i want to cancel my order {clause} and to book a room", lambda place: 600, "en-us", 160)
    pause, end = examples(spoken, Silero(), by_espeak)
    assert (pause.place, pause.over, end.place, end.over) == ("clause,", False, "end", True)
    assert LEARNED.over(end.ending) > LEARNED.over(pause.ending)


def test_weights_are_learned_from_examples() -> None:
    """A figure that tells ends from pauses gets a weight with the right sign. Any other figure gets nearly none."""
    group = [
        Example(Ending(above_low=low + wobble, range=5 + wobble, unpitched_ms=hiss), "end" if over else "open", over)
        for low, over in ((0.0, True), (3.0, False))
        for wobble in (-1.5, -0.5, 0.5, 1.5)
        for hiss in (0, 40)
    ]
    weights = learned([group, group[::-1]])
    assert weights.above_low < -0.5
    assert abs(weights.unpitched_s) < 0.01
    assert told_apart(weights, group, lambda example: True) == pytest.approx(1.0)
    assert told_apart(Weights(0.0, 0.0, 0.0, 0.0), group, lambda example: True) == 0.5
    assert told_apart(weights, group, lambda example: example.place == "um") is None


def hanging(over: float) -> Trace:
    """Half a second of words that look complete, a pause of 600 ms with this probability of an end, and the rest."""
    spoken = parsed("call me back {clause} please", lambda place: 600, "en-us", 160)
    quiet = [Moment(FRAME_MS * number, "call me back", 0.0, over) for number in range(1, 31)]
    voiced = [Moment(0, "call me back", 0.0)] * 25
    end = [Moment(FRAME_MS * number, "call me back please", 0.0, 0.9) for number in range(1, 101)]
    return Trace(spoken, ((0, 500), (1_100, 1_600)), (*voiced, *quiet, *voiced, *end))


@pytest.mark.parametrize(("over", "cut", "calls"), [(0.1, 0.0, 1), (0.5, 100.0, 2), (0.9, 100.0, 2)])
def test_a_voice_that_hangs_is_waited_for(over: float, cut: float, calls: int) -> None:
    """The pause is not cut when the voice does not sound over, and no answer is begun in vain."""
    trace, enough = hanging(over), policy(EndpointSettings())
    assert cut_by_place([trace], enough) == {"clause": cut}
    assert attempts(trace, enough) == calls


def test_judges_differ() -> None:
    """Words alone and a short silence cut a pause that the sound of the voice spares, even without the words."""
    cuts = {name: cut_by_place([hanging(0.1)], enough)["clause"] for name, enough in kinds()}
    assert cuts == {
        "words and cadence (default)": 0.0,
        "words alone": 100.0,
        "cadence alone": 0.0,
        "silence of 300 ms alone": 100.0,
        "silence of 500 ms alone": 100.0,
        "silence of 1000 ms alone": 0.0,
    }
