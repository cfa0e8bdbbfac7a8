"""Of several engines, the one for the language of the call works."""

from collections.abc import AsyncGenerator, Sequence

import pytest

from server.speech.by_language import SpeechToTextByLanguage, TextToSpeechByLanguage
from server.speech.protocols import ANYBODY, Asker, Pcm
from tests.fakes.engines import LetterSpeechToText


class Both:
    """Two speech-to-text engines: a better one for English, and one for three languages."""

    def __init__(self) -> None:
        self.english = LetterSpeechToText(languages=("en-US",))
        self.many = LetterSpeechToText(languages=("en", "de", "fr"))
        self.stt = SpeechToTextByLanguage([self.english, self.many])

    def told(self, language: str, others: Sequence[str] = ()) -> tuple[list[str], list[str]]:
        """Which languages the two engines are told when a call is held in this one."""
        self.stt.listen(["yes"], lambda text: None, language, others)
        return [tag for _, tag in self.english.asked], [tag for _, tag in self.many.asked]


def test_the_languages_of_all_engines_can_be_chosen() -> None:
    """Those of the best engine come first."""
    assert Both().stt.languages == ("en-US", "en", "de", "fr")


@pytest.mark.parametrize(
    ("language", "english", "many"),
    [("en-GB", ["en-GB"], []), ("de-AT", [], ["de-AT"]), ("", [""], []), ("tlh", ["tlh"], [])],
)
def test_an_utterance_goes_to_the_engine_for_its_language(language: str, english: list[str], many: list[str]) -> None:
    """A language that nobody knows goes to the best engine."""
    assert Both().told(language) == (english, many)


@pytest.mark.parametrize(
    ("language", "others", "best"),
    [("en", ["de"], False), ("", ["en", "de"], False), ("en", ["en-GB"], True), ("en", ["tlh"], True)],
)
def test_an_utterance_in_one_of_several_languages_goes_to_an_engine_that_knows_them(
    language: str, others: list[str], best: bool
) -> None:
    """The best engine gets it only if it knows as many of them as the other one."""
    both = Both()
    assert both.told(language, others) == (([language], []) if best else ([], [language]))
    assert (both.english if best else both.many).open_to == [others]


class Speaker:
    """A text-to-speech engine that says who speaks."""

    def __init__(self, name: str, *languages: str) -> None:
        self.name = name
        self.languages = languages

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        yield Pcm(16_000, f"{self.name}|{text}|{voice}|{language}".encode())


@pytest.mark.parametrize(
    ("language", "spoken"), [("", "fine|Yes.|amy|"), ("en-GB", "fine|Yes.|amy|en-GB"), ("fr", "rough|Yes.|amy|fr")]
)
async def test_a_text_is_spoken_by_the_engine_for_its_language(language: str, spoken: str) -> None:
    """The text and the voice reach it unchanged."""
    tts = TextToSpeechByLanguage([Speaker("fine", "en-us"), Speaker("rough", "en", "fr")])
    assert [pcm.data.decode() async for pcm in tts.synthesize("Yes.", "amy", language)] == [spoken]


async def test_whoever_asks_is_told_which_engine_it_is() -> None:
    """By its name, for each request: another language may be another engine's."""
    told: list[str] = []
    tts = TextToSpeechByLanguage([Speaker("fine", "en-us"), Speaker("rough", "en", "fr")], ["piper amy", "espeak"])
    for language in ("en-GB", "fr"):
        assert [pcm async for pcm in tts.synthesize("Yes.", "", language, Asker(served=told.append))]
    assert told == ["piper amy", "espeak"]
