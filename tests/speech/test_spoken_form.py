"""How people say what is written in figures."""

import pytest

from server.speech.spoken_form import spoken_form


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "It is $1,234.56.", "It is one thousand, two hundred and thirty-four dollars, fifty-six cents."),
        ("en-GB", "£5, or €3.50", "five pounds sterling, or three euro, fifty cents"),
        ("en", "Call 555-0134 now.", "Call 5 5 5, 0 1 3 4 now."),
        ("en", "+1 (415) 555-0134", "+ 1, 4 1 5, 5 5 5, 0 1 3 4"),
        ("en", "0800 123 4567, or 4155550134", "0 8 0 0, 1 2 3, 4 5 6 7, or 4 1 5 5 5 5 0 1 3 4"),
        ("en", "9-17, 9:00 - 17:30, pages 12–15", "9 to 17, 9:00 to 17:30, pages 12 to 15"),
        ("en", "from 1990-2000", "from 1990 to 2000"),
        ("de", "Das macht 1.234,56 €.", "Das macht eintausendzweihundertvierunddreißig Euro und sechsundfünfzig Cent."),
        ("de", "am 3. Mai, der 12. Juni", "am dritten Mai, der zwölfte Juni"),
        ("de-AT", "9-17 Uhr, 030 1234567", "9 bis 17 Uhr, 0 3 0, 1 2 3 4 5 6 7"),
        ("fr", "3,50 €, 06 12 34 56 78", "trois euros et cinquante centimes, 0 6, 1 2, 3 4, 5 6, 7 8"),
        ("es", "5 €", "cinco euros"),
        ("it", "5 €", "cinque euro"),
        ("nl", "5 €", "vijf euro"),
        ("pt", "5 €", "cinco euros"),
    ],
)
def test_it_is_said_as_people_say_it(language: str, written: str, said: str) -> None:
    """Money with its unit after it, telephone numbers digit by digit, ranges with a word between."""
    assert spoken_form(written, language) == said


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "$5 million, £5m, $2 bn"),
        ("en", "order 4271, 1,234 books, 3.14 miles, 20 %, 24/7, a 5-star hotel, version 1.2.3"),
        ("en", "on 2026-11-30, or 11/30/2026, at 10:30"),
        ("en", "10 20 30 and 42"),
        ("fr", "12 345 678 habitants"),
        ("ja", "$5, 555-0134, 9-17"),
        ("", "$5"),
        ("en", "no figures at all, - only words -"),
    ],
)
def test_everything_else_is_left_to_the_voice(language: str, text: str) -> None:
    """Other numbers, dates, and languages that are not known here."""
    assert spoken_form(text, language) == text
