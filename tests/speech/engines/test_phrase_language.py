import pytest

from server.speech.engines.phrase_language import PhraseLanguage

SAID = {"car": "K AA R", "wash": "W AA SH", "red": "R EH D", "room": "R UW M", "five": "F AY V", "six": "S IH K S"}


def pronounce(word: str) -> list[str]:
    return [SAID[word]] if word in SAID else []


def language(*phrases: str) -> PhraseLanguage:
    return PhraseLanguage(phrases, pronounce)


def entries(*phrases: str) -> list[str]:
    return language(*phrases).dictionary.splitlines()


def test_a_word_is_expected_as_america_and_britain_say_it() -> None:
    """Beside the dictionary's pronunciation, a word has a British one, without r except before a vowel."""
    assert entries("red car") == ["red R EH D", "car K AA R", "car(2) K AA"]


def test_a_word_that_is_not_in_the_dictionary_may_be_two_that_are() -> None:
    """A compound that the dictionary does not have is pronounced as its two parts."""
    assert entries("carwash") == ["carwash K AA R W AA SH", "carwash(2) K AA W AA SH"]


def test_a_phrase_that_cannot_be_pronounced_is_left_out() -> None:
    """Only phrases whose words can all be pronounced are expected."""
    assert language("red car", "red xqzt", "").sentences == ["red car"]


def test_another_number_is_expected_in_the_place_of_one() -> None:
    """When a phrase has a number, the phrase is expected with other numbers, too."""
    assert "room six" in language("room five").sentences


def test_without_phrases_there_is_no_language_model() -> None:
    """Without phrases there are no sentences, no language model and no dictionary."""
    nothing = language()
    assert (nothing.sentences, nothing.arpa, nothing.dictionary) == ([], "", "")


@pytest.mark.parametrize(
    ("expected", "general", "familiar"),
    [("red car", "red car", 3.0), ("car red", "car red", 1.0), ("red car", "fed bar", 2.0), ("", "red car", 0.0)],
)
def test_words_in_the_order_of_the_phrases_are_familiar(expected: str, general: str, familiar: float) -> None:
    """Word pairs, word triples, and the agreement with the general decoder have equal weight."""
    assert language("red car").familiarity(expected, general) == pytest.approx(familiar)
