"""In which language an utterance is taken to be."""

from collections.abc import Mapping

import pytest

from server.speech.detection import FIRST, OTHER, SPEECH_S, Detection

LONG_S = SPEECH_S + 1


def look(detection: Detection, heard: Mapping[str, float], speech_s: float = LONG_S) -> tuple[str, str]:
    """The language of the pass, and the one that was found."""
    return detection.look(lambda: heard, speech_s), detection.language


def test_a_language_that_is_given_is_not_doubted() -> None:
    """Nothing is asked of the model."""

    def ask() -> Mapping[str, float]:
        raise AssertionError

    assert Detection("de").look(ask, LONG_S) == "de"
    assert Detection("de", ["de"]).look(lambda: {"de": 1.0}, LONG_S) == "de"


def test_any_language_is_the_most_likely_one() -> None:
    """Where the call says nothing, the first pass decides, however short it is."""
    assert look(Detection(""), {"en": 0.2, "cy": 0.3}, 0.3) == ("cy", "cy")


@pytest.mark.parametrize(
    ("likely", "heard", "used", "found"),
    [
        ("", {"en": 0.1, "de": 0.9, "th": 5.0}, "de", "de"),
        ("", {"en": 0.4, "de": 0.6}, "en", ""),
        ("", {"en": 0.8, "de": 0.2}, "en", "en"),
        ("de", {"en": 0.8, "de": 0.2}, "de", ""),
        ("de", {"en": 0.95, "de": 0.05}, "en", "en"),
        ("de", {"en": 0.2, "de": 0.8}, "de", "de"),
        ("de", {"th": 1.0}, "de", ""),
    ],
)
def test_among_several_the_evidence_decides(likely: str, heard: Mapping[str, float], used: str, found: str) -> None:
    """The probabilities are compared among the possible languages. To leave a known language takes more of them."""
    others = ["en", "de"] if not likely else ["en"]
    assert look(Detection(likely, others), heard) == (used, found)
    assert FIRST < OTHER


def test_short_speech_tells_no_language() -> None:
    """It is taken to be in the language before, and a later pass over more of the speech may find another one."""
    detection = Detection("", ["en", "de"])
    assert look(detection, {"de": 1.0}, SPEECH_S / 2) == ("en", "")
    assert look(detection, {"de": 1.0}) == ("de", "de")
    assert look(detection, {"en": 1.0}) == ("de", "de"), "what was found stays"
