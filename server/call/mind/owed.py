"""Owed: everything that the agent still owes the caller, in one place.

A reply may be cut off by a cough, its words may come late, an engine may fail, the connection may drop. Each of these
leaves a debt. `TERMS` says for every debt what pays it and what cancels it. The dialogue reports what happened and,
when nobody speaks, pays what is `due` next. Nothing here waits, speaks or knows the time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from server.agent.passing_on import PassingOn

MAX_WORDS_CHARS = 4_000
"""How many characters of words may be owed an answer: four minutes of speech. They all go to the model again and again
until the caller has heard an answer."""


class Debt(Enum):
    """What can be owed."""

    APOLOGY = "apology"  # something failed, and the caller has not been told yet
    ANSWER = "answer"  # the caller said words that no reply has answered
    REST = "rest"  # a sound cut a reply off, and the caller has not heard the rest of it
    OUTCOME = "outcome"  # a line cut an answer off, and the caller does not know what its tools have done
    RESULT = "result"  # a tool has returned from the background, and the caller has not been told
    UNSAID = "unsaid"  # the caller missed words because the connection or the server went away
    GOODBYE = "goodbye"  # the agent is saying goodbye, and the call ends when the caller has heard it


class Happening(Enum):
    """What can settle a debt."""

    REPLY_BEGINS = "reply begins"  # to the caller's words; its prompt holds all the words that are owed an answer
    LINE_BEGINS = "line begins"  # the agent says something unasked: an apology, the rest of a reply, a goodbye
    TOLD = "told"  # the caller has heard a model that knew all results of tools in the background
    SILENCED = "silenced"  # the caller asked for silence by other means than the voice
    RETURNED = "returned"  # the caller is back on a new connection
    ENDED = "ended"  # the call is over


@dataclass(frozen=True, slots=True)
class Terms:
    """When a debt is settled."""

    paid_by: frozenset[Happening]
    cancelled_by: frozenset[Happening] = frozenset()


TERMS: dict[Debt, Terms] = {
    Debt.APOLOGY: Terms(
        paid_by=frozenset({Happening.LINE_BEGINS}),
        cancelled_by=frozenset({Happening.REPLY_BEGINS}),  # the agent works again, and the caller hears it
    ),
    Debt.ANSWER: Terms(
        paid_by=frozenset({Happening.REPLY_BEGINS}),
        cancelled_by=frozenset({Happening.LINE_BEGINS, Happening.SILENCED}),
    ),
    Debt.REST: Terms(
        paid_by=frozenset({Happening.LINE_BEGINS}),
        cancelled_by=frozenset({Happening.REPLY_BEGINS, Happening.SILENCED}),
    ),
    Debt.OUTCOME: Terms(
        paid_by=frozenset({Happening.REPLY_BEGINS}),  # the model knows what its tools have done
        cancelled_by=frozenset({Happening.SILENCED}),
    ),
    Debt.RESULT: Terms(
        paid_by=frozenset({Happening.TOLD}),  # no sooner, because an answer may have been begun without the result
        cancelled_by=frozenset({Happening.SILENCED}),
    ),
    Debt.UNSAID: Terms(paid_by=frozenset({Happening.RETURNED})),
    Debt.GOODBYE: Terms(paid_by=frozenset({Happening.ENDED})),
}

DUE_IN_SILENCE = (Debt.APOLOGY, Debt.ANSWER, Debt.REST, Debt.OUTCOME, Debt.RESULT)
"""The debts that are paid as soon as nobody speaks, the first one first. The others wait for a new connection, or for
the end of the call."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What the caller has not heard of a reply that was cut off."""

    text: str = ""
    """Whole clauses; "" where the text of the reply is not known to its end."""
    then_end: bool = False
    """A tool of that reply asked for the end of the call, so the call ends after the rest."""
    known: int = 0
    """How many results of tools in the background that reply knew."""
    passes_on: PassingOn | None = None
    """To whom a tool of that reply asked to pass the call on, so that this happens after the rest."""


NO_REST = Rest()


class Owed:
    """The debts of one call."""

    def __init__(
        self, unanswered: str = "", unsaid: str = "", on_left_out: Callable[[], object] = lambda: None
    ) -> None:
        """A session that goes on from its record owes what was `unanswered` and what was `unsaid` then.

        `on_left_out` is told when there are too many words, so that the oldest get no answer.
        """
        self._on_left_out = on_left_out
        self.rest = NO_REST
        self._apology = False
        self._goodbye = False
        self._outcome = self._result = False
        self._unsaid = unsaid
        self._words: dict[int, str | None] = {0: unanswered} if unanswered else {}
        """By utterance, so that they stay in the order of speaking. None: speech-to-text has not given them yet."""

    # What becomes owed

    def owe_apology(self) -> None:
        self._apology = True

    def owe_goodbye(self) -> None:
        self._goodbye = True

    def owe_outcome(self) -> None:
        self._outcome = True

    def owe_result(self) -> None:
        self._result = True

    def owe_answer(self, utterance: int, words: str) -> None:
        """`words` of the utterance had no answer. They are put to the agent again, before the caller's next words.

        When they are too many in all, the oldest are left out.
        """
        self._words[utterance] = words
        if (excess := len(self.words) - MAX_WORDS_CHARS) > 0:
            self._leave_out(excess)
            self._on_left_out()

    def expect_words(self, utterance: int) -> None:
        """The caller went on before speech-to-text gave the words of `utterance`; `owe_answer` brings them."""
        self._words[utterance] = None

    def owe_rest(self, rest: Rest) -> None:
        """A sound cut a reply off before `rest`."""
        self.rest = rest if rest.text else replace(rest, known=0)

    def owe_unsaid(self, text: str) -> None:
        """The caller has missed `text`. Nothing is owed if it is empty."""
        self._unsaid = text

    def leave_behind(self, unheard: str | None, answers: bool) -> None:
        """Decide what the agent repeats on the server that goes on with the call, because the session ends here.

        `unheard` is the rest of the reply that was being said; None if there was none. `answers`: that reply answered
        the caller. If the caller is owed an answer, nothing is repeated, because the answer comes first.
        """
        if unheard is not None and not (answers and self.words):
            self._unsaid = unheard
        elif not self.words:
            self._unsaid = self.rest.text or self._unsaid

    # What is owed

    @property
    def words(self) -> str:
        """All words that are owed an answer, as far as they are known, in the order of speaking."""
        return " ".join(words for _, words in sorted(self._words.items()) if words)

    def prompt(self, words: str) -> str:
        """What the agent is asked when the caller has just said `words`: everything unanswered comes first."""
        return f"{self.words} {words}".strip()

    def expects_words(self, utterance: int) -> bool:
        return utterance in self._words and self._words[utterance] is None

    @property
    def unsaid(self) -> str:
        """What the agent repeats when the caller is back."""
        return self._unsaid

    def owes(self, debt: Debt) -> bool:
        match debt:  # not a table, because this is asked several times for each frame of sound
            case Debt.APOLOGY:
                return self._apology
            case Debt.ANSWER:
                return any(self._words.values())
            case Debt.REST:
                return self.rest != NO_REST
            case Debt.OUTCOME:
                return self._outcome
            case Debt.RESULT:
                return self._result
            case Debt.UNSAID:
                return bool(self._unsaid)
            case Debt.GOODBYE:
                return self._goodbye

    @property
    def due(self) -> Debt | None:
        """What is to be paid first now that nobody speaks."""
        return next((debt for debt in DUE_IN_SILENCE if self.owes(debt)), None)

    @property
    def nothing_due(self) -> bool:
        """Nothing is to be paid, nor will it be because speech-to-text gives words."""
        return self.due is None and None not in self._words.values()

    # What settles it

    def settle(self, happening: Happening) -> None:
        """Strike out every debt that this pays or cancels."""
        for debt, terms in TERMS.items():
            if happening in terms.paid_by | terms.cancelled_by:
                self._strike_out(debt)

    def take_words(self) -> str:
        """All words that are owed an answer. They are owed no more, because the agent is asked them now."""
        words = self.words
        self._strike_out(Debt.ANSWER)
        return words

    def take_unsaid(self) -> str:
        """What the caller has missed; "" if nothing. It is owed no more, because the agent says it now."""
        unsaid = self._unsaid
        self.settle(Happening.RETURNED)
        return unsaid

    def _leave_out(self, excess: int) -> None:
        """Leave the oldest words out: whole words, with at least `excess` characters."""
        for utterance, words in sorted(self._words.items()):
            if words and excess > 0:
                rest = words[excess:]
                self._words[utterance] = rest.partition(" ")[2] or rest  # some scripts have no spaces
                excess -= len(words) + 1

    def _strike_out(self, debt: Debt) -> None:
        match debt:
            case Debt.APOLOGY:
                self._apology = False
            case Debt.ANSWER:  # but keep a place for words that speech-to-text has not given yet
                self._words = {utterance: None for utterance, words in self._words.items() if words is None}
            case Debt.REST:
                self.rest = NO_REST
            case Debt.OUTCOME:
                self._outcome = False
            case Debt.RESULT:
                self._result = False
            case Debt.UNSAID:
                self._unsaid = ""
            case Debt.GOODBYE:
                self._goodbye = False
