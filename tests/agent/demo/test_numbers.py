import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.agent.demo import numbers


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("four two seven one", "4271"),
        ("forty two seventy one", "4271"),
        ("four twenty seven one", "4271"),
        ("double seven three three", "7733"),
        ("seven seven double three", "7733"),
        ("nine oh four six", "9046"),
        ("nine o four six", "9046"),
        ("eighteen thirty five", "1835"),
        ("four thousand two hundred and seventy one", "4271"),
        ("42 71", "4271"),
        ("4271", "4271"),
        ("where is order number four two seven one please", "4271"),
        ("i want to check for order for two seven one", "4271"),
        ("check on order to four two seven one", "4271"),
        ("one ate three five", "1835"),
        ("one two three", "123"),
        ("one two three four five", "12345"),
    ],
)
def test_an_order_number_is_read_as_people_say_it(said: str, number: str) -> None:
    """An order number is read from digits, tens, thousands, "double" and words that sound like digits."""
    assert numbers.digits(said.split(), 4) == number


@pytest.mark.parametrize("said", ["", "i want to go for a walk", "for to too", "hello there"])
def test_words_that_only_sound_like_digits_are_no_number(said: str) -> None:
    """ "for" and "to" alone are not digits."""
    assert numbers.digits(said.split(), 4) == ""


@given(st.text("0123456789", min_size=1, max_size=8))
def test_what_is_said_digit_by_digit_is_read_back(text: str) -> None:
    """Every number that the agent reads out is understood when it is said back."""
    assert numbers.digits(numbers.say_digits(text).split(), len(text)) == text


@given(st.integers(0, numbers.LARGEST))
def test_a_number_in_words_is_the_same_number(value: int) -> None:
    """Words made of a number are that number again."""
    assert numbers.cardinal(numbers.say(value).split()) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("a hundred", 100),
        ("two hundred and five", 205),
        ("12", 12),
        ("one two", None),
        ("three twenty", None),
        ("", None),
    ],
)
def test_a_cardinal_is_exactly_one_number(said: str, value: int | None) -> None:
    """Two numbers in a row are not one number."""
    assert numbers.cardinal(said.split()) == value


@given(
    st.lists(st.sampled_from("four for to double hundred thousand and a 12 99999999999 oh twenty ten hello".split()))
)
def test_any_words_can_be_asked_for_numbers(words: list[str]) -> None:
    """No order of words is an error."""
    assert numbers.digits(words, 4) == "" or numbers.digits(words, 4).isdecimal()
    numbers.cardinal(words)
