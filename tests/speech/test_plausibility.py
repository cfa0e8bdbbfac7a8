"""Whether people can have said a text in the time that its sound took."""

import pytest

from server.speech.plausibility import has_loop, too_few_words, too_many_words, without_loops


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("Where is my order? Where is my order?", "Where is my order?"),
        ("3, 3, 3, 3", "3,"),
        ("1.0.0.0.0", "1.0."),
        ("Beep Beep Beep Beep Beep", "Beep"),
        ("Well, thank you. Thank you. Thank you.", "Well, thank you."),
        ("I said yes and then no I said yes and then no", "I said yes and then no "),
    ],
)
def test_a_loop_is_found(text: str, once: str) -> None:
    """A sentence said twice, and a word or a digit said again and again, are loops. Without them the rest stays."""
    assert has_loop(text)
    assert without_loops(text) == once.strip()


@pytest.mark.parametrize(
    "text",
    [
        *("", "...", "7733", "No, no, no!", "yes please yes please", "3 3 4 4", "10.000.000", "very very very good"),
        *("I want a coffee. I want a tea.", "The the cat", "What's 12 + 12?", "$12.50", "eight eight two, eight two"),
    ],
)
def test_what_people_say_is_no_loop(text: str) -> None:
    """People repeat a word or two; numbers have the same digit twice or three times."""
    assert not has_loop(text)
    assert without_loops(text) == text


def test_a_long_run_of_one_digit_is_a_loop() -> None:
    """Whisper writes "77777777" for one seven. What it should be cannot be told, so it stays."""
    assert has_loop("77777777")
    assert without_loops("77777777") == "77777777"


@pytest.mark.parametrize(
    ("text", "seconds", "few", "many"),
    [
        ("She called", 1.8, True, False),  # "she called his name many times"
        ("She called his name many times.", 1.8, False, False),
        ("4271", 1.6, False, False),
        ("4", 1.6, True, False),
        ("Where is my order? Where is my order?", 0.6, False, True),
        ("", 1.0, True, False),
        ("Yes.", 0.0, False, True),
    ],
)
def test_the_words_fill_the_time(text: str, seconds: float, few: bool, many: bool) -> None:
    """A text that is too short for its sound lacks words, and one that is too long was not said."""
    assert (too_few_words(text, seconds), too_many_words(text, seconds)) == (few, many)
