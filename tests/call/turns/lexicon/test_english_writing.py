from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.lexicon.english_writing import say, spoken, words_of
from server.call.turns.lexicon.writing import plain_words

WRITINGS = """
    what's ten percent of fifty dollars | What’s 10% of $50? | WHAT'S 10 % OF $50! | what's ten per cent of 50 dollars
    at four thirty p m                  | At 4:30 p.m.       | at 4:30pm | at 4.30 PM. | At four-thirty P.M.
    at nine oh five                     | At 9:05.
    at ten                              | At 10:00. | at 10!
    ten a m                             | 10 a.m. | 10AM | Ten am. | 10 A.M.?
    i am                                | I am. | I AM
    what time am i called               | What time am I called?
    order number four two seven one     | Order #4271 | Order No. 4271. | order number #4271 | Order number 4, 2, 7, 1.
    no four two seven one               | No. 4271. | No, 4271.
    twenty one plus seven times eight   | Twenty-one + 7x8. | 21 + 7 × 8 | 21 plus 7 * 8
    eighty divided by four              | 80 / 4 | 80 ÷ 4
    one hundred minus forty             | 100 - 40 | 100 –40 | 100 − 40
    minus five                          | -5
    one thousand two hundred dollars    | $1,200 | 1200 dollars | $1,200.00
    one dollar                          | $1
    twelve pounds and fifty pence       | £12.50
    twelve point five zero              | 12.50
    zero seven one                      | 071 | 0, 7, 1.
    okay                                | OK | O.K. | Okay… | ok,
    all right                           | Alright. | All right!
    mm hmm                              | Mm-hmm. | mm hmmm
    mhm                                 | Mhm. | mmhmm | Mhmm!
    uh huh                              | Uh-huh. | uhh huh
    um well                             | Um, well... | Ummm — well | uhm, well
    she said stop rock n roll           | She said ‘stop’: rock ’n’ roll.
    it's nine o'clock                   | It’s 9 O'Clock.
    the 24th                            | The 24th.
    thirty ish                          | 30ish | 30-ish
"""


@pytest.mark.parametrize("row", [row.strip() for row in WRITINGS.strip().splitlines()])
def test_one_sentence_has_the_same_words_in_every_writing(row: str) -> None:
    """Figures, symbols, capitals, punctuation, apostrophes and long fillers do not change what was said."""
    words, *writings = (text.strip() for text in row.split("|"))
    assert [spoken(text) for text in (words, *writings)] == [tuple(words.split())] * (len(writings) + 1)


def test_figures_stay_figures_unless_they_are_to_be_spoken() -> None:
    """The words of a text keep its numbers as they are written."""
    assert words_of("Is 4271 one thousand?") == ("is", "4271", "one", "thousand")
    assert spoken("Is 4271 one thousand?") == ("is", "four", "two", "seven", "one", "one", "thousand")


@given(st.text(max_size=60))
def test_any_text_has_words(text: str) -> None:
    """No text is an error, and no word has a blank in it."""
    for read in (words_of, spoken):
        words = read(text)
        assert all(word and not any(character.isspace() for character in word) for word in words)


def test_an_accent_may_be_a_character_of_its_own() -> None:
    """Some engines write a letter and an accent after it."""
    assert (
        words_of(normalize("NFD", "Café Müller")) == plain_words(normalize("NFD", "Café Müller")) == ("café", "müller")
    )


@given(st.integers(0, 999))
def test_a_number_and_its_words_are_the_same(value: int) -> None:
    """A number in figures has the words of that number."""
    assert spoken(str(value)) == tuple(say(value).split())
