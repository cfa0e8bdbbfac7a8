"""JSON that clients send: what is read, and what would cost too much or could not be sent to anybody."""

import pytest

from signaling.json_values import MAX_DEPTH, MAX_VALUES, TooMuch, read_value


def test_json_is_read() -> None:
    assert read_value('{"a": [1, 2.5, null, "\\u00e9\\ud83d\\ude00"]}') == {"a": [1, 2.5, None, "é😀"]}
    assert read_value(b'"caf\xc3\xa9"') == "café"


def test_numbers_that_json_has_not_are_words() -> None:
    """They would make what is written with them unreadable for the others."""
    assert read_value("[NaN, -Infinity, 1e999]") == ["NaN", "-Infinity", "1e999"]


@pytest.mark.parametrize("text", ["", "{", b"\xff", '"\\ud800"', b'"\xed\xa0\x80"', '{"\\udc00": 1}', "9" * 5_000])
def test_what_is_no_json(text: str | bytes) -> None:
    """Half a surrogate pair is none either: no message with it can be sent."""
    with pytest.raises(ValueError, match=r"."):
        read_value(text)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 4_000])
def test_deep_json(depth: int) -> None:
    with pytest.raises(TooMuch, match="deep"):
        read_value("[" * depth + "]" * depth)
    assert read_value("[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_json_of_many_values() -> None:
    with pytest.raises(TooMuch, match="values"):
        read_value("[" + ",".join(["0"] * (MAX_VALUES + 1)) + "]")
    assert len(read_value("[" + ",".join(["0"] * (MAX_VALUES - 1)) + "]")) == MAX_VALUES - 1
