import pytest

from server.speech.languages import Voice, choose_voice, lookup

KNOWN = ["en_US", "en-gb", "de", "pt-BR", "zh-Hant-TW"]


@pytest.mark.parametrize(
    ("wanted", "served_by"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("en-GB", "en-gb"),
        ("EN-us", "en_US"),
        ("en", "en_US"),
        ("en-AU", "en_US"),
        ("pt-PT", "pt-BR"),
        ("zh-Hant-TW-x-a", "zh-Hant-TW"),
        ("d", None),
        ("deu", None),
        ("fr", None),
    ],
)
def test_a_language_is_served_by_the_nearest(wanted: str, served_by: str | None) -> None:
    """A language is served by its own tag, by a shorter one, or by another region, but never by another language."""
    assert lookup(wanted, KNOWN) == served_by


def test_where_nothing_is_known_nothing_serves() -> None:
    """Without any known language or voice the result is None."""
    assert lookup("en", []) is None
    assert choose_voice("en", "amy", []) is None


@pytest.mark.parametrize(
    ("language", "wish", "chosen"),
    [
        ("en-GB", "", "alan"),
        ("en", "", "amy"),
        ("en", "alan", "alan"),
        ("de", "eva+f3", "eva+f3"),
        ("de", "alan", "eva"),
        ("de", "nobody", "eva"),
        ("fr", "eva", None),
    ],
)
def test_a_voice_speaks_the_language(language: str, wish: str, chosen: str | None) -> None:
    """The voice of the wish is chosen if it speaks the language, else another voice that speaks it."""
    voices = [Voice("amy", ("en_US",)), Voice("alan", ("en_GB",)), Voice("eva", ("de_DE", "de_AT"))]
    assert choose_voice(language, wish, voices) == chosen
