import pytest

from server.call.turns.lexicon.numerals import Numerals

PLAIN = Numerals(
    {"one": 1, "two": 2, "seven": 7, "ten": 10, "twelve": 12, "forty": 40, "hundred": 100, "thousand": 1000},
    beside={"a": 1},
    joint="and",
)
TWENTIES = Numerals(
    {"zero": 0, "one": 1, "four": 4, "seven": 7, "ten": 10, "twelve": 12, "twenty": 20, "sixty": 60, "hundred": 100},
    beside={},
    joint="and",
    twenties=True,
)


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("forty two", "42"),
        ("forty and two", "42"),
        ("forty and", "40 and"),
        ("two and seven", "2 and 7"),
        ("forty two forty seven", "42 47"),
        ("forty twelve", "40 12"),
        ("two hundred and forty and two", "242"),
        ("two thousand seven hundred", "2700"),
        ("forty thousand", "40000"),
        ("two thousand seven hundred forty two", "2 7 4 2"),
        ("a dog and a two", "a dog and 1 2"),
        ("two a a", "2 1 1"),
        ("forty and a", "41"),
        ("4271", "4 2 7 1"),
        ("06 12", "0 6 12"),
        ("room 1200 or 120", "room 1200 or 120"),
        ("", ""),
    ],
)
def test_words_of_a_number_are_one_number(said: str, figures: str) -> None:
    """What belongs to one number is one number, and long numbers are said figure by figure."""
    assert PLAIN.in_figures(said.split()) == tuple(figures.split())


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("sixty and ten", "70"),
        ("sixty twelve", "72"),
        ("four twenty", "80"),
        ("four twenty ten seven", "97"),
        ("ten seven", "17"),
        ("ten four", "10 4"),
        ("zero four sixty seven", "0 4 67"),
        ("four hundred four twenty one", "481"),
    ],
)
def test_some_languages_count_in_twenties(said: str, figures: str) -> None:
    """In French 97 is "four twenty ten seven"."""
    assert TWENTIES.in_figures(said.split()) == tuple(figures.split())
