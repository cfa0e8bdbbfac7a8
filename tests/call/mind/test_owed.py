import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.call.mind.owed import DUE_IN_SILENCE, MAX_WORDS_CHARS, TERMS, Debt, Happening, Owed, Rest


def in_debt() -> Owed:
    """Owes everything that can be owed."""
    owed = Owed("where is my order", "It was")
    owed.owe_apology()
    owed.owe_rest(Rest("and it will arrive tomorrow.", then_end=True))
    owed.owe_goodbye()
    owed.owe_outcome()
    owed.owe_result()
    return owed


def debts(owed: Owed) -> set[Debt]:
    return {debt for debt in Debt if owed.owes(debt)}


@pytest.mark.parametrize(
    ("happening", "left"),
    [
        (Happening.REPLY_BEGINS, {Debt.RESULT, Debt.UNSAID, Debt.GOODBYE}),
        (Happening.LINE_BEGINS, {Debt.OUTCOME, Debt.RESULT, Debt.UNSAID, Debt.GOODBYE}),
        (Happening.SILENCED, {Debt.APOLOGY, Debt.UNSAID, Debt.GOODBYE}),
        (Happening.RETURNED, {Debt.APOLOGY, Debt.ANSWER, Debt.REST, Debt.OUTCOME, Debt.RESULT, Debt.GOODBYE}),
        (Happening.ENDED, {Debt.APOLOGY, Debt.ANSWER, Debt.REST, Debt.OUTCOME, Debt.RESULT, Debt.UNSAID}),
        (Happening.TOLD, set(Debt) - {Debt.RESULT}),
    ],
)
def test_what_settles_what(happening: Happening, left: set[Debt]) -> None:
    """Each happening strikes out the debts that it pays or cancels, and no others."""
    owed = in_debt()
    assert debts(owed) == set(Debt)
    owed.settle(happening)
    assert debts(owed) == left


def test_every_debt_can_be_paid() -> None:
    """Each debt has terms, something pays it, and nothing both pays and cancels it."""
    assert set(TERMS) == set(Debt)
    for terms in TERMS.values():
        assert terms.paid_by
        assert not terms.paid_by & terms.cancelled_by


def test_the_order_of_payment() -> None:
    """An apology comes first, then the answer, then the rest of a reply, then what tools have done
    and what has returned from the background; the others are not paid in silence."""
    owed = in_debt()
    assert owed.due is Debt.APOLOGY
    owed.settle(Happening.LINE_BEGINS)
    assert owed.due is Debt.OUTCOME
    owed.owe_answer(1, "hello")
    owed.owe_rest(Rest("the rest", then_end=False))
    assert owed.due is Debt.ANSWER
    assert owed.take_words() == "hello"
    assert owed.due is Debt.REST
    owed.settle(Happening.LINE_BEGINS)
    assert owed.due is Debt.OUTCOME
    owed.settle(Happening.REPLY_BEGINS)
    assert owed.due is Debt.RESULT
    owed.settle(Happening.TOLD)
    assert owed.due is None


def test_nothing_is_owed_without_a_rest() -> None:
    """A reply whose text is not complete, and that does not end the call, leaves no rest."""
    owed = Owed()
    owed.owe_rest(Rest("", then_end=False))
    assert owed.due is None
    owed.owe_rest(Rest("", then_end=True))
    assert (owed.due, owed.rest) == (Debt.REST, Rest("", True))


def test_words_that_come_late_stand_where_they_were_said() -> None:
    """The words of an utterance that speech-to-text gives late come before those of later utterances."""
    owed = Owed("hello")
    owed.expect_words(1)
    owed.owe_answer(2, "and when")
    assert owed.expects_words(1)
    assert owed.prompt("is it here") == "hello and when is it here"
    owed.owe_answer(1, "where is my order")
    assert not owed.expects_words(1)
    assert owed.prompt("is it here") == "hello where is my order and when is it here"


def test_words_to_come_outlive_a_reply() -> None:
    """A reply that begins answers the known words. Words that come later are owed an answer then."""
    owed = Owed("hello")
    owed.expect_words(1)
    owed.settle(Happening.REPLY_BEGINS)
    assert (owed.words, owed.expects_words(1)) == ("", True)
    owed.owe_answer(1, "where is my order")
    assert owed.due is Debt.ANSWER


def test_what_the_caller_missed_is_said_once() -> None:
    """The words that the caller missed are taken when the caller is back, and not again."""
    owed = Owed(unsaid="It was shipped.")
    assert owed.take_unsaid() == "It was shipped."
    assert owed.take_unsaid() == owed.unsaid == ""


@pytest.mark.parametrize(
    ("unanswered", "rest", "unheard", "answers", "unsaid"),
    [
        ("", "", None, False, "before"),
        ("", "the rest", None, False, "the rest"),
        ("", "", "was shipped", True, "was shipped"),
        ("", "", "Are you still there?", False, "Are you still there?"),
        ("hello", "", "was shipped", True, "before"),
        ("hello", "", "Are you still there?", False, "Are you still there?"),
        ("hello", "the rest", None, False, "before"),
    ],
)
def test_what_is_left_behind(unanswered: str, rest: str, unheard: str | None, answers: bool, unsaid: str) -> None:
    """The next server repeats what was being said, or the rest of a reply, unless it owes an answer."""
    owed = Owed(unanswered, "before")
    owed.owe_rest(Rest(rest, then_end=False))
    owed.leave_behind(unheard, answers)
    assert owed.unsaid == unsaid
    assert owed.words == unanswered


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.permutations(range(1, 7)), st.sets(st.integers(1, 6)))
def test_words_are_in_order_however_they_come(order: list[int], late: set[int]) -> None:
    """Whatever order the words become known in, and whichever come late, all stand in the order of speaking."""
    owed = Owed()
    for number in sorted(late):
        owed.expect_words(number)
    for number, known in itertools.pairwise([0, *order]):
        owed.owe_answer(known, f"word{known}")
        assert f"word{number}" in owed.words or number == 0
    assert owed.words == " ".join(f"word{number}" for number in range(1, 7))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3_000), st.booleans()), max_size=12))
def test_words_that_are_owed_have_a_limit(said: list[tuple[int, int, bool]]) -> None:
    """However many words are owed, all that are kept are within the limit, and they are the newest ones."""
    told: list[bool] = []
    owed, everything = Owed(on_left_out=lambda: told.append(True)), ""
    for number, (letter, length, spaced) in enumerate(said, 1):
        words = (f"{letter} " * length if spaced else f"{letter}" * length).strip()
        everything = f"{everything} {words}".strip()
        before = owed.words
        owed.owe_answer(number, words)
        assert len(owed.words) <= MAX_WORDS_CHARS
        assert everything.endswith(owed.words)
        assert bool(told) is (len(f"{before} {words}".strip()) > MAX_WORDS_CHARS)
        told.clear()


def test_only_whole_words_are_left_out() -> None:
    """Where there are spaces, the words that are kept begin with a whole word."""
    owed = Owed()
    owed.owe_answer(1, "library " * 600)
    assert owed.words.startswith("library library")
    assert len(owed.words) > MAX_WORDS_CHARS - 20


def test_debts_that_are_due_in_silence_need_no_connection_or_end() -> None:
    """What waits for another connection, or for the end of the call, is never due because nobody speaks."""
    for debt in DUE_IN_SILENCE:
        assert not TERMS[debt].paid_by & {Happening.RETURNED, Happening.ENDED}
