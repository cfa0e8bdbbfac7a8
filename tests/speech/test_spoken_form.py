"""How people say what is written in figures."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.speech.spoken_form import spoken_form


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "It is $1,234.56.", "It is one thousand, two hundred and thirty-four dollars, fifty-six cents."),
        ("en-GB", "£5, or €3.50", "five pounds sterling, or three euro, fifty cents"),
        ("en", "Call 555-0134 now.", "Call 5 5 5, 0 1 3 4 now."),
        ("en", "+1 (415) 555-0134", "+ 1, 4 1 5, 5 5 5, 0 1 3 4"),
        ("en", "0800 123 4567, or 4155550134", "0 8 0 0, 1 2 3, 4 5 6 7, or 4 1 5 5 5 5 0 1 3 4"),
        ("en", "9-17, 9:00 - 17:30, pages 12–15", "9 to 17, 9 o'clock to 17:30, pages 12 to 15"),
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
        ("en", "at 10:30, at 14:30:15, a ratio of 16:9, on 05/12/2026, on 2026-13-05, 31/02/2026"),
        ("en", "5 > 3, C#, press #, dial *67, version 3.11.2, A4, node.js, e.g. this, Mr. A.B. Co"),
        ("en", "5m users, $5 m, the 90s, a 4g phone, 5 in 10 people, press 5 in a moment, in May 5 people came"),
        ("en", "@anna, a@b, 5 Main Street, the marble, 3 Marys, 7 Junes"),
        ("de", "Version 3.11.2, 5 %, 5 GBit, Zimmer 5M, mag 5"),
        ("es", "el mar 5, 20 %, 14:30"),
        ("fr", "5 mars 2026, 20 %, l'an 2026"),
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


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "on 2026-12-01, 2026-12-22.", "on December 1st, 2026, December 22nd, 2026."),
        ("en", "2026-12-13T14:30", "December 13th, 2026 14:30"),
        ("en", "12/25/2026 25/12/2026 25.12.2026", " ".join(["December 25th, 2026"] * 3)),
        ("en-US", "12/05/2026", "December 5th, 2026"),
        ("en-GB", "12/05/2026", "May 12th, 2026"),
        ("en", "5 Dec 2026, Dec. 5, 1st Jan", "5 December 2026, December 5, 1st January"),
        ("en", "It ends on 5 Dec. We begin.", "It ends on 5 December. We begin."),
        ("de", "am 2026-12-05, der 25.12.2026", "am fünften Dezember 2026, der fünfundzwanzigste Dezember 2026"),
        ("de", "am 5. Dez. 2026", "am fünften Dezember 2026"),
        ("fr", "le 01/12/2026, le 5 déc. 2026", "le 1er décembre 2026, le 5 décembre 2026"),
        ("es", "2026-12-05", "5 de diciembre de 2026"),
        ("it", "01/12/2026", "1º dicembre 2026"),
        ("nl", "05-12-2026, 5 mrt 2026", "5 december 2026, 5 maart 2026"),
        ("pt", "05/12/2026", "5 de dezembro de 2026"),
    ],
)
def test_dates(language: str, written: str, said: str) -> None:
    """The month in words, and the day as people say it. Outside of English the day comes first."""
    assert spoken_form(written, language) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "9:05, 9:00, 14:00, 0:00", "9 oh 5, 9 o'clock, 14 hundred, midnight"),
        ("en", "9:00 am, 9:05 p.m., 3 pm, 9:00 o'clock", "9 am, 9 oh 5 p.m., 3 pm, 9 o'clock"),
        ("de", "14:30 Uhr, 14:00, 9:05, 1:00 Uhr, 14.30 Uhr", "14 Uhr 30, 14 Uhr, 9 Uhr 5, ein Uhr, 14 Uhr 30"),
        ("de", "9:00-17:30 Uhr", "9 Uhr bis 17 Uhr 30"),
        ("fr", "14:00, 9h05, 14 h 30, à 1h", "14 heures, 9 heures 5, 14 heures 30, à une heure"),
        ("es", "a las 14:00, a la 1:00, 9:05, 14:30 h", "a las 14 horas, a la una, 9 y 5, 14:30"),
        ("it", "alle 14:00, 9:05", "alle 14, 9 e 5"),
        ("nl", "14:30 uur, 9:05, 14.30 uur", "14 uur 30, 9 uur 5, 14 uur 30"),
        ("pt", "2:00, 9:05, 14h30", "duas horas, 9 horas e 5, 14:30"),
    ],
)
def test_times(language: str, written: str, said: str) -> None:
    """No zero is read out, and no "Uhr" twice."""
    assert spoken_form(written, language) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "5 km, 5km, 1 km, 1.5 km", "5 kilometers, 5 kilometers, 1 kilometer, 1.5 kilometers"),
        ("en", "3 m by 20 cm, 5 mm", "3 meters by 20 centimeters, 5 millimeters"),
        ("en", "200g, 2 kg, 5 mg, 2 l, 20 ml", "200 grams, 2 kilograms, 5 milligrams, 2 liters, 20 milliliters"),
        ("en", "50 km/h, 60 mph, 5 m/s", "50 kilometers per hour, 60 miles per hour, 5 meters per second"),
        ("en", "-5 °C, 70°F, 3 kWh", "-5 degrees Celsius, 70 degrees Fahrenheit, 3 kilowatt hours"),
        ("en", "2 GB, 5 MB, 10 min, 2h, 30 s", "2 gigabytes, 5 megabytes, 10 minutes, 2 hours, 30 seconds"),
        ("en", "20 m², 6 ft 5 in, 5 in tall", "20 square meters, 6 feet 5 inches, 5 inches tall"),
        ("en", "3 lbs, 12 oz, 5 ft.", "3 pounds, 12 ounces, 5 feet."),
        ("en", "10-12 km, 15–20 °C", "10 to 12 kilometers, 15 to 20 degrees Celsius"),
        ("de", "5 km, 1 km, 1 h, 2,5 kg", "5 Kilometer, ein Kilometer, eine Stunde, 2,5 Kilogramm"),
        ("de", "0-1 km", "0 bis 1 Kilometer"),
        ("fr", "5 km, 1 h, 14h, 50 km/h", "5 kilomètres, une heure, 14 heures, 50 kilomètres à l'heure"),
        ("es", "5 km, 1 km, 20 °C", "5 kilómetros, un kilómetro, 20 grados Celsius"),
        ("it", "5 km", "5 chilometri"),
        ("nl", "5 km, 10 min", "5 kilometer, 10 minuten"),
        ("pt", "5 km", "5 quilómetros"),
    ],
)
def test_units(language: str, written: str, said: str) -> None:
    """In words after a number, one of them in the singular."""
    assert spoken_form(written, language) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "anna.b@example.org.", "anna dot b at example dot org."),
        ("en", "jane_doe-x+1@example.org", "jane underscore doe dash x plus 1 at example dot org"),
        ("de", "anna.b@example.org, google.de", "anna Punkt b ät example Punkt org, google Punkt de"),
        ("fr", "anna@example.fr", "anna arobase example point fr"),
        ("es", "anna@example.es", "anna arroba example punto es"),
        ("it", "anna@example.it", "anna chiocciola example punto it"),
        ("nl", "anna@example.nl", "anna apenstaartje example punt nl"),
        ("pt", "anna@example.pt", "anna arroba example ponto pt"),
        ("ja", "anna@example.jp", "anna@example.jp"),
    ],
)
def test_addresses(language: str, written: str, said: str) -> None:
    """Each mark is a word, in the language of the call."""
    assert spoken_form(written, language) == said


_PIECES = st.sampled_from(
    [
        *"0123456789.,:;/-–@+_#*%°² \n",
        "km",
        "m",
        "h",
        "in",
        "ft",
        "Dec",
        "Dez",
        "Uhr",
        "2026-12-05",
        "12/05/2026",
        "a@b.de",
    ]
)


@given(st.lists(_PIECES, max_size=20), st.sampled_from(["en", "en-GB", "de", "fr", "es", "it", "nl", "pt"]))
def test_any_text_has_a_spoken_form(pieces: list[str], language: str) -> None:
    """No number of several digits is lost, if it is none of a date or a time: those are said in other words."""
    text = "".join(pieces)
    said = spoken_form(text, language)
    if not re.search(r"[:h]|\d[./-]\d|Dec|Dez", text):
        for number in re.findall(r"\d\d+", text):
            assert re.sub(r"\s", "", number) in re.sub(r"[\s,]", "", said)
