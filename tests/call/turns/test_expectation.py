import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.agent.demo.phrases import front_desk_phrases
from server.call.turns.expectation import Expectation, expectation
from server.call.turns.lexicon.english import ENGLISH

PHRASES = (
    "where is order four two seven one",
    "what's ten percent of fifty",
    "call me at ten a m",
    "okay thanks",
    "okay",
)


@pytest.mark.parametrize(
    "text",
    [
        "Where is order 4271?",
        "What’s 10% of 50?",
        "Call me at 10 a.m.",
        "Call me at 10AM",
        "O.K., thanks!",
        "OK thanks.",
    ],
)
def test_an_expected_sentence_is_known_in_every_writing(text: str) -> None:
    """Case, punctuation, figures and symbols do not matter."""
    assert Expectation(PHRASES, ENGLISH).whole(text)
    assert not Expectation(PHRASES, ENGLISH).begun(text)


@pytest.mark.parametrize("text", ["Where is order", "Where is order 4, 2,", "What’s 10%", "Call me at 10.", "Where..."])
def test_a_beginning_is_known_in_every_writing(text: str) -> None:
    """A sentence that an expected one begins with is a beginning."""
    assert Expectation(PHRASES, ENGLISH).begun(text)
    assert not Expectation(PHRASES, ENGLISH).whole(text)


@pytest.mark.parametrize("text", ["Okay.", "", "...", "Where is order 1835?"])
def test_what_is_neither(text: str) -> None:
    """A sentence that others begin with, and one that nobody expects, are neither whole nor begun."""
    assert not Expectation(PHRASES, ENGLISH).begun(text)
    assert not Expectation(PHRASES, ENGLISH).whole(text)


@given(st.sampled_from(front_desk_phrases()), st.sampled_from((str.upper, str.title, str.capitalize)))
def test_the_looks_of_a_sentence_do_not_matter(phrase: str, look: object) -> None:
    """Capitals, stops and curly apostrophes change nothing for any sentence that callers of the demo may say."""
    assert callable(look)
    written, known = f"{look(phrase)}.".replace("'", "’"), expectation(front_desk_phrases(), ENGLISH)
    assert (known.begun(written), known.whole(written)) == (known.begun(phrase), known.whole(phrase))
