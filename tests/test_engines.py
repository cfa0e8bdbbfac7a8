"""What the operator reads when the agent's language is not known here."""

import pytest

from server.engines import check_languages
from server.errors import ConfigError
from tests.fakes.engines import LetterSpeechToText, SteadyTextToSpeech


@pytest.mark.parametrize(
    ("heard", "spoken", "wrong"),
    [
        (("en-US", "de"), ("de_DE",), ""),
        ((), (), ""),
        (
            ("en",),
            ("de",),
            "speech-to-text does not know here; get a model.*: antiphon models pull --language de",
        ),
        (("de",), ("en",), "text-to-speech does not know here"),
    ],
)
def test_a_server_that_does_not_know_the_agents_language_does_not_start(
    heard: tuple[str, ...], spoken: tuple[str, ...], wrong: str
) -> None:
    """The error says what does not know it, and what to do. An engine that does not tell what it knows is trusted."""
    stt, tts = LetterSpeechToText(languages=heard), SteadyTextToSpeech(languages=spoken)
    if not wrong:
        check_languages("de-AT", stt, tts)
        return
    with pytest.raises(ConfigError, match=wrong):
        check_languages("de", stt, tts)
