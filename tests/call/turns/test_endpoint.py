from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.endpoint import (
    LONGEST_STRETCHED_MS,
    EndpointSettings,
    Pause,
    enough_silence_ms,
    enough_to_prepare_ms,
)
from server.call.turns.expectation import expectation
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.patience import endpoint_of

SETTINGS = EndpointSettings()
WORDS = st.sampled_from(["where is my order", "is it open", "yes", "my number is", "four two", ""])
ASKED = "Thank you. What is the order number?"


def after(text: str, agent_text: str = "", **known: Any) -> Pause:
    """The pause after these words."""
    return Pause(ENGLISH.ending(text), ENGLISH.asked_for(agent_text), **known)


def wait_ms(text: str, agent_text: str = "", **known: Any) -> float:
    return enough_silence_ms(after(text, agent_text, **known), SETTINGS)


@given(
    st.text(max_size=300) | WORDS,
    st.sampled_from(["", ASKED, "What is your address?"]),
    st.integers(0, 9),
    st.none() | st.floats(0, 1),
)
def test_any_pause_has_a_bounded_wait(text: str, agent_text: str, digits: int, over: float | None) -> None:
    """For any words and any sound, the wait is between the shortest and the longest one."""
    found_ms = wait_ms(text, agent_text, digits=digits, over=over)
    assert SETTINGS.shortest_ms <= found_ms <= SETTINGS.open_ms + SETTINGS.asked_ms


@given(WORDS, st.floats(0, 1), st.floats(0, 1))
def test_a_voice_that_sounds_over_never_waits_longer(text: str, one: float, other: float) -> None:
    """A higher probability that the caller is done never makes the wait longer."""
    low, high = (wait_ms(text, over=over) for over in sorted((one, other)))
    assert low >= high


@given(WORDS, st.floats(1, 2), st.none() | st.floats(0, 1))
def test_a_caller_who_was_cut_off_is_waited_for_longer(text: str, stretch: float, over: float | None) -> None:
    """All waits of such a caller are longer by the same factor."""
    assert wait_ms(text, over=over, stretch=stretch) == pytest.approx(stretch * wait_ms(text, over=over))


@pytest.mark.parametrize(
    ("text", "open_ms", "expected_ms"), [("i want to ask about", None, 2_500), ("and", 3_000, 3_000)]
)
def test_no_line_seems_dead_by_stretching(text: str, open_ms: int | None, expected_ms: int) -> None:
    """However often a caller was cut off, a patient agent waits 2.5 s at most, or as long as the settings say."""
    base = EndpointSettings() if open_ms is None else EndpointSettings(open_ms=open_ms)
    patient = endpoint_of("patient", base)
    assert expected_ms >= LONGEST_STRETCHED_MS
    assert enough_silence_ms(after(text, stretch=2.0), patient) == expected_ms


@pytest.mark.parametrize(
    ("text", "over", "expected_ms"),
    [
        ("my order has not arrived", None, 350),
        ("my order has not arrived", 0.95, 350),
        ("my order has not arrived", 0.96, 277),
        ("my order has not arrived", 0.98, 240),
        ("my order has not arrived", 0.93, 501),
        ("my order has not arrived", 0.1, 560),
        ("four two", 0.98, 350),
        ("four two", 0.95, 500),
        ("four two", 0.1, 560),
        ("my number is", 0.99, 526),
        ("my number is", 0.1, 1_200),
        ("", 0.99, 1_000),
        ("", 0.1, 1_000),
    ],
)
def test_the_sound_moves_the_wait(text: str, over: float | None, expected_ms: float) -> None:
    """The voice of most ends shortens the wait, and that of most pauses makes it longer. It decides nothing while there
    are no words."""
    assert wait_ms(text, over=over) == pytest.approx(expected_ms, abs=1)


@pytest.mark.parametrize(("text", "longer"), [("where is my order", True), ("my number is", False)])
def test_an_endpoint_model_that_is_busy_is_waited_for(text: str, longer: bool) -> None:
    """Nobody is cut off because the machine is slow. Words that wait for longer anyway wait no longer for it."""
    assert wait_ms(text, judging=True) == max(wait_ms(text), SETTINGS.longest_ms)
    assert (wait_ms(text, judging=True) > wait_ms(text)) is longer


@pytest.mark.parametrize("text", ["my number is", "i want a table for", "and", "the code is four two"])
def test_no_sound_completes_what_is_not_complete(text: str) -> None:
    """Words that cannot be all wait at least as long as a complete sentence, however sure the endpoint model is."""
    assert wait_ms(text, over=1.0) >= SETTINGS.complete_ms


@pytest.mark.parametrize("question", ["are you open on sunday", "where is my order", "You have my order?"])
def test_an_endpoint_model_is_heard_after_a_question(question: str) -> None:
    """Neither the words of a question nor a question mark prove that the caller is done."""
    assert wait_ms(question, over=0.99) < wait_ms(question) < wait_ms(question, over=0.2) == SETTINGS.longest_ms


@pytest.mark.parametrize("over", [0.0, 0.3, 1.0])
def test_without_weight_the_sound_is_not_listened_to(over: float) -> None:
    """With a weight of 0, the wait is decided by the words alone."""
    deaf = EndpointSettings(sound_weight=0)
    assert enough_silence_ms(after("where is my order", over=over), deaf) == deaf.complete_ms


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [("what time do you open", 350), ("yes", 400), ("", 1_000), ("order four two", 500), ("my number is", 1_200)],
)
def test_wait_by_completeness(text: str, expected_ms: float) -> None:
    """The less finished the words look, the longer the wait is."""
    assert wait_ms(text) == expected_ms


@pytest.mark.parametrize(("text", "added_ms"), [("four two", 150), ("my number is", 150), ("yes", 0), ("", 0)])
def test_a_caller_who_was_asked_for_a_number_may_look_it_up(text: str, added_ms: float) -> None:
    """After the agent has asked for a number, unfinished answers get more time. Finished ones do not."""
    assert wait_ms(text, ASKED) - wait_ms(text, "How can I help?") == added_ms


@pytest.mark.parametrize(
    "agent_text", ["What is your address?", "Could you spell that?", "And your e-mail address, please?"]
)
@pytest.mark.parametrize("text", ["twelve garden street", "anna", "A N N A."])
def test_what_is_dictated_is_waited_for(agent_text: str, text: str) -> None:
    """People say an address or a spelling piece by piece, and each piece sounds and looks complete."""
    assert wait_ms(text, agent_text, over=0.99) >= SETTINGS.complete_ms
    assert wait_ms(text, agent_text, over=0.9) > wait_ms(text, over=0.9)


@pytest.mark.parametrize("text", ["call me back at ten", "what is seven times eight", "ten percent of fifty"])
def test_a_time_or_a_sum_ends_with_its_figure(text: str) -> None:
    """A number that has few digits by its place, as in "at ten", does not wait for more digits."""
    assert wait_ms(text) <= SETTINGS.complete_ms < SETTINGS.number_ms


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("order four two seven one", 350),
        ("forty two seventy one", 350),
        ("forty two seventeen", 350),
        ("it is 4271", 350),
        ("double seven three three", 350),
        ("oh nine oh four", 350),
        ("It's 42-71.", 350),
        ("4, 2, 7, 1.", 350),
        ("9, 0, 2, 2,", 350),
        ("427.1", 350),
        ("4, 2,", 1_200),
        ("4, 2, 7.", 500),
        ("four two seven", 500),
        ("four two seven one nine", 500),
        ("twenty", 500),
    ],
)
def test_a_number_is_whole_with_its_last_digit(text: str, expected_ms: float) -> None:
    """Where numbers always have four digits, a number of four does not wait for more, however it is said."""
    assert wait_ms(text, digits=4) == expected_ms


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [("what are your opening", 700), ("what are your opening hours", 350), ("where", 700), ("hello", 400)],
)
def test_the_beginning_of_an_expected_sentence_waits(text: str, expected_ms: float) -> None:
    """Words that begin an expected sentence, and are none themselves, wait for the rest of it."""
    expected = expectation(("what are your opening hours", "where are you", "hello", "hello there"), ENGLISH)
    assert wait_ms(text, begun=expected.begun(text)) == expected_ms


@pytest.mark.parametrize(("wait", "prepare_ms"), [(240, 80), (300, 80), (480, 80), (700, 300), (1_200, 800)])
def test_an_answer_is_prepared_ahead(wait: float, prepare_ms: float) -> None:
    """The reply is begun 400 ms before the end of the wait, but not before `prepare_ms`."""
    assert enough_to_prepare_ms(wait, SETTINGS) == prepare_ms


def test_one_word_has_little_tune() -> None:
    """The sound changes the wait after one word by only half the power that it has after a sentence."""
    word, sentence = (wait_ms(text, over=0.94) for text in ("yes", "yes i do"))
    assert word / SETTINGS.single_ms == pytest.approx((sentence / SETTINGS.complete_ms) ** 0.5)


def test_an_expected_sentence_that_nothing_continues_does_not_wait_for_the_sound() -> None:
    """Such a sentence is whole, whatever the endpoint model says. A longer one that is expected, too, may follow."""
    expected = expectation(("when do you open", "when do you open on monday"), ENGLISH)
    texts = ("when do you open on monday", "when do you open")
    waits = [wait_ms(text, whole=expected.whole(text), over=0.2) for text in texts]
    assert waits == [SETTINGS.complete_ms, SETTINGS.longest_ms]


@pytest.mark.parametrize("text", ["hello can you help me", "I have a question.", "could I ask you something?"])
def test_what_announces_more_is_waited_for(text: str) -> None:
    """A sentence that announces a request is waited for. With its request it is a sentence like any other."""
    assert wait_ms(text, over=0.95) == SETTINGS.begun_ms
    assert wait_ms(f"{text.rstrip('?.')} with my order", over=0.99) == SETTINGS.shortest_ms
