"""Of several engines, the one for the language of the call works."""

from collections.abc import AsyncGenerator

import pytest

from server.speech.by_language import SpeechToTextByLanguage, TextToSpeechByLanguage
from server.speech.protocols import Pcm
from tests.fakes.engines import LetterSpeechToText


class Both:
    """Two speech-to-text engines: a better one for English, and one for three languages."""

    def __init__(self, own: str = "en") -> None:
        self.english = LetterSpeechToText(languages=("en-US",))
        self.many = LetterSpeechToText(languages=("en", "de", "fr"))
        self.stt = SpeechToTextByLanguage([self.english, self.many], own)

    def told(self, language: str) -> tuple[list[str], list[str]]:
        """Which languages the two engines are told when a call is held in this one."""
        self.stt.listen(["yes"], lambda text: None, language)
        return [tag for _, tag in self.english.asked], [tag for _, tag in self.many.asked]


def test_the_languages_of_all_engines_can_be_chosen() -> None:
    """Those of the best engine come first."""
    assert Both().stt.languages == ("en-US", "en", "de", "fr")


@pytest.mark.parametrize(
    ("own", "language", "english", "many"),
    [
        ("en", "en-GB", ["en-GB"], []),
        ("en", "de-AT", [], ["de-AT"]),
        ("en", "", ["en"], []),
        ("de", "", [], ["de"]),
        ("de", "en", ["en"], []),
        ("tlh", "", [""], []),
    ],
)
def test_an_utterance_goes_to_the_engine_for_its_language(
    own: str, language: str, english: list[str], many: list[str]
) -> None:
    """A call that chooses no language is held in the agent's own; one that nobody knows goes to the best engine."""
    assert Both(own).told(language) == (english, many)


class Speaker:
    """A text-to-speech engine that says who speaks."""

    def __init__(self, name: str, *languages: str) -> None:
        self.name = name
        self.languages = languages

    async def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        yield Pcm(16_000, f"{self.name}|{text}|{voice}|{language}".encode())


@pytest.mark.parametrize(
    ("language", "spoken"), [("", "fine|Yes.|amy|"), ("en-GB", "fine|Yes.|amy|en-GB"), ("fr", "rough|Yes.|amy|fr")]
)
async def test_a_text_is_spoken_by_the_engine_for_its_language(language: str, spoken: str) -> None:
    """The text and the voice reach it unchanged."""
    tts = TextToSpeechByLanguage([Speaker("fine", "en-us"), Speaker("rough", "en", "fr")], "en")
    assert [pcm.data.decode() async for pcm in tts.synthesize("Yes.", "amy", language)] == [spoken]
