from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms, enough_to_prepare_ms
from server.call.turns.expectation import expectation
from server.call.turns.lexicon.english import ENGLISH

SETTINGS = EndpointSettings()


def said(text: str, agent_text: str = "", **known: Any) -> Pause:
    """The pause after these words."""
    return Pause(ENGLISH.ending(text), ENGLISH.asked_for(agent_text), **known)


WORDS = st.sampled_from(["where is my order", "is it open", "yes", "my number is", "four two", ""])


@given(
    st.text(max_size=300) | WORDS,
    st.sampled_from(["", "What is your number?"]),
    st.integers(0, 9),
    st.floats(0, 5_000),
    st.none() | st.floats(0, 1),
)
def test_any_pause_has_a_bounded_wait(
    text: str, agent_text: str, digits: int, usual_pause_ms: float, over: float | None
) -> None:
    """For any words and any sound, the wait is between the shortest and the longest one."""
    wait_ms = enough_silence_ms(
        said(text, agent_text, digits=digits, usual_pause_ms=usual_pause_ms, over=over), SETTINGS
    )
    assert SETTINGS.shortest_ms <= wait_ms <= SETTINGS.open_ms + SETTINGS.asked_ms


@given(WORDS, st.floats(0, 1), st.floats(0, 1))
def test_a_voice_that_sounds_over_never_waits_longer(text: str, one: float, other: float) -> None:
    """A higher probability that the caller is done never makes the wait longer."""
    low, high = (enough_silence_ms(said(text, over=over), SETTINGS) for over in sorted((one, other)))
    assert low >= high


@pytest.mark.parametrize(
    ("text", "over", "wait_ms"),
    [
        ("where is my order", None, 300),
        ("where is my order", 0.5, 300),
        ("where is my order", 0.9, 280),
        ("my order has not arrived", 0.45, 428),
        ("my order has not arrived", 0.1, 600),
        ("four two", 0.6, 333),
    ],
)
def test_the_sound_moves_the_wait(text: str, over: float, wait_ms: float) -> None:
    """Even odds change nothing, a voice that sounds over shortens the wait, and another one makes it longer."""
    assert enough_silence_ms(said(text, over=over), SETTINGS) == pytest.approx(wait_ms, abs=1)


@pytest.mark.parametrize("question", ["are you open on sunday", "where is my order", "You have my order?"])
def test_an_endpoint_model_is_heard_after_a_question(question: str) -> None:
    """Neither the words of a question nor a question mark prove that the caller is done."""
    low, high = (enough_silence_ms(said(question, over=over), SETTINGS) for over in (0.2, 0.8))
    assert high < SETTINGS.longest_ms == low


@pytest.mark.parametrize("over", [0.0, 0.3, 1.0])
def test_without_weight_the_sound_is_not_listened_to(over: float) -> None:
    """With a weight of 0, the wait is decided by the words alone."""
    deaf = EndpointSettings(sound_weight=0)
    assert enough_silence_ms(said("where is my order", over=over), deaf) == deaf.asking_ms


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [("what time do you open", 300), ("yes", 400), ("", 600), ("order four two", 500), ("my number is", 1_200)],
)
def test_wait_by_completeness(text: str, wait_ms: float) -> None:
    """The less finished the words look, the longer the wait is."""
    assert enough_silence_ms(said(text), SETTINGS) == wait_ms


@pytest.mark.parametrize(("text", "added_ms"), [("four two", 150), ("my number is", 150), ("yes", 0), ("at home", 0)])
def test_a_caller_who_was_asked_for_a_number_may_look_it_up(text: str, added_ms: float) -> None:
    """After the agent has asked for a number, unfinished answers get more time. Finished ones do not."""
    agent_texts = ("How can I help?", "Thank you. What is the order number?")
    plain, asked = (enough_silence_ms(said(text, agent_text), SETTINGS) for agent_text in agent_texts)
    assert asked - plain == added_ms


@pytest.mark.parametrize("text", ["call me back at ten", "what is seven times eight", "ten percent of fifty"])
def test_a_time_or_a_sum_ends_with_its_figure(text: str) -> None:
    """A number that has few digits by its place, as in "at ten", does not wait for more digits."""
    assert enough_silence_ms(said(text), SETTINGS) <= SETTINGS.complete_ms < SETTINGS.number_ms


@pytest.mark.parametrize(
    ("text", "wait_ms"),
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
def test_a_number_is_whole_with_its_last_digit(text: str, wait_ms: float) -> None:
    """Where numbers always have four digits, a number of four does not wait for more, however it is said."""
    assert enough_silence_ms(said(text, digits=4), SETTINGS) == wait_ms


@pytest.mark.parametrize(
    ("usual_pause_ms", "wait_ms"),
    [(0, 350), (200, 350), (400, 400), (2_000, 450)],
    ids=["new", "quick", "slow", "slowest"],
)
def test_slow_speakers_are_waited_for(usual_pause_ms: float, wait_ms: float) -> None:
    """The wait is at least as long as the caller's usual pause, up to a limit."""
    assert enough_silence_ms(said("at home", usual_pause_ms=usual_pause_ms), SETTINGS) == wait_ms


def test_usual_pauses_do_not_lengthen_the_longest_wait() -> None:
    """After an open sentence the wait is long enough for every caller."""
    assert enough_silence_ms(said("and", usual_pause_ms=2_000), SETTINGS) == SETTINGS.open_ms


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [("what are your opening", 700), ("what are your opening hours", 300), ("where", 700), ("hello", 400)],
)
def test_the_beginning_of_an_expected_sentence_waits(text: str, wait_ms: float) -> None:
    """Words that begin an expected sentence, and are none themselves, wait for the rest of it."""
    expected = expectation(("what are your opening hours", "where are you", "hello", "hello there"), ENGLISH)
    assert enough_silence_ms(said(text, begun=expected.begun(text)), SETTINGS) == wait_ms


@pytest.mark.parametrize(("wait_ms", "prepare_ms"), [(220, 80), (300, 80), (480, 80), (700, 300), (1_200, 800)])
def test_an_answer_is_prepared_ahead(wait_ms: float, prepare_ms: float) -> None:
    """The reply is begun 400 ms before the end of the wait, but not before `prepare_ms`."""
    assert enough_to_prepare_ms(wait_ms, SETTINGS) == prepare_ms


def test_one_word_has_little_tune() -> None:
    """The sound changes the wait after one word by only half the power that it has after a sentence."""
    word, sentence = (enough_silence_ms(said(text, over=0.4), SETTINGS) for text in ("yes", "yes i do"))
    assert word / SETTINGS.single_ms == pytest.approx((sentence / SETTINGS.complete_ms) ** 0.5)


def test_an_expected_question_that_nothing_continues_is_answered_soon() -> None:
    """The wait is short after an expected question, unless a longer one is expected, too, or it is a statement."""
    expected = expectation(("when do you open", "when do you open on monday", "i have a cold"), ENGLISH)
    texts = ("when do you open on monday", "when do you open", "i have a cold")
    waits = [enough_silence_ms(said(text, whole=expected.whole(text)), SETTINGS) for text in texts]
    assert waits == [SETTINGS.question_ms, SETTINGS.asking_ms, SETTINGS.complete_ms]


@pytest.mark.parametrize("text", ["hello can you help me", "I have a question.", "could I ask you something?"])
def test_what_announces_more_is_waited_for(text: str) -> None:
    """A sentence that announces a request is waited for. With its request it is a sentence like any other."""
    assert enough_silence_ms(said(text, over=0.3), SETTINGS) >= SETTINGS.begun_ms
    assert enough_silence_ms(said(f"{text.rstrip('?.')} with my order", over=0.9), SETTINGS) == SETTINGS.shortest_ms
