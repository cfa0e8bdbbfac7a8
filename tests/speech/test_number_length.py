"""Numbers of a known length in what speech-to-text writes."""

import pytest

from server.speech.number_length import expected_length, lengths, with_length


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4271", [4]),
        ("4, 2, 7, 1.", [4]),
        ("42-71", [4]),
        ("4.271", [4]),
        ("four two seven one", [4]),
        ("Four, two, seven, oh.", [4]),
        ("my number is 12 and yours 345", [2, 3]),
        ("77733", [5]),
        ("", []),
        ("never mind", []),
        ("fourteen", []),
    ],
)
def test_the_length_of_a_number(text: str, expected: list[int]) -> None:
    """Digits count, as figures and as words, whatever stands between them. Other words are not digits."""
    assert lengths(text) == expected


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        (("zero zero one zero", "it's one eight three five", "the number is 4271"), 4),
        (("four two", "four two seven"), 0),
        (("where is my order", "four two seven one"), 0),
        (("where is my order",), 0),
        ((), 0),
    ],
)
def test_the_length_that_phrases_expect(phrases: tuple[str, ...], expected: int) -> None:
    """Phrases expect a number of some length when each of them is one number of that length."""
    assert expected_length(phrases) == expected


def test_the_most_likely_text_of_the_length() -> None:
    """The first text with a number of that length is taken; there may be none."""
    assert with_length(["77733", "7 7 3 3", "7733"], 4) == 1
    assert with_length(["77733", "seven"], 4) is None
