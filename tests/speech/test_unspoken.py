"""What is left of a text whose speech broke off."""

import pytest

from server.speech.unspoken import unspoken


@pytest.mark.parametrize(
    ("text", "spoken_s", "rest"),
    [
        ("one two three", 0.0, "one two three"),
        ("one two three", 0.2, "one two three"),
        ("one two three", 0.4, "two three"),
        ("one two three", 0.7, "three"),
        ("one two three", 1.0, "three"),
        ("one two three", 1.1, ""),
        ("one two three", 60.0, ""),
        ("one two three !", 1.1, ""),
        ("你好世界再见", 0.6, "世界再见"),
        ("", 1.0, ""),
    ],
)
def test_the_rest_begins_with_the_word_that_broke_off(text: str, spoken_s: float, rest: str) -> None:
    """At 12 letters in a second; a Chinese character counts for three. Nothing that cannot be said is left."""
    assert unspoken(text, spoken_s) == rest
