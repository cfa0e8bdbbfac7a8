import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.call.events import (
    Backchannel,
    BeginReply,
    Cancel,
    Closed,
    Command,
    DropUtterance,
    Duck,
    Endpoint,
    Event,
    Interruption,
    NoWords,
    OpenUtterance,
    Prompted,
    ReplyEnded,
    Restore,
    SoundStarted,
    Stopped,
    Typed,
    VoiceStarted,
)
from server.call.floor import TABLE, Floor, State
from server.call.messages import State as StateMessage

OF_UTTERANCE = (Endpoint, NoWords, Interruption, Backchannel)
OF_REPLY = (SoundStarted, ReplyEnded)


def floor_after(*events: Event) -> Floor:
    floor = Floor()
    for event in events:
        floor.receive(event)
    return floor


THINKING = (VoiceStarted(1), Endpoint(1))
SPEAKING = (*THINKING, SoundStarted(1))
OVERLAP = (*SPEAKING, VoiceStarted(2))
OVERLAP_BEFORE_SOUND = (*THINKING, VoiceStarted(2))


@pytest.mark.parametrize(
    ("before", "event", "commands", "state"),
    [
        ((), VoiceStarted(1), [OpenUtterance(1)], State.HEARING),
        ((), Typed(1), [BeginReply(1, 1)], State.THINKING),
        ((), Prompted(), [BeginReply(1, None)], State.THINKING),
        ((), Stopped(), [], State.LISTENING),
        ([VoiceStarted(1)], Endpoint(1), [BeginReply(1, 1)], State.THINKING),
        ([VoiceStarted(1)], NoWords(1), [DropUtterance(1)], State.LISTENING),
        ([VoiceStarted(1)], Prompted(), [BeginReply(1, None), Duck()], State.OVERLAP),
        ([VoiceStarted(1)], Stopped(), [], State.HEARING),
        ([VoiceStarted(1)], Typed(2), [DropUtterance(1), BeginReply(1, 2)], State.THINKING),
        (THINKING, SoundStarted(1), [], State.SPEAKING),
        (THINKING, ReplyEnded(1), [], State.LISTENING),
        (THINKING, NoWords(1), [DropUtterance(1), Cancel(1)], State.LISTENING),
        (THINKING, Stopped(), [Cancel(1)], State.LISTENING),
        (THINKING, Typed(2), [Cancel(1), BeginReply(2, 2)], State.THINKING),
        (THINKING, VoiceStarted(2), [Duck(), OpenUtterance(2)], State.OVERLAP),
        (SPEAKING, VoiceStarted(2), [Duck(), OpenUtterance(2)], State.OVERLAP),
        (SPEAKING, ReplyEnded(1), [], State.LISTENING),
        (SPEAKING, Stopped(), [Cancel(1)], State.LISTENING),
        (SPEAKING, Prompted(), [Cancel(1), BeginReply(2, None)], State.THINKING),
        (SPEAKING, NoWords(1), [], State.SPEAKING),
        (OVERLAP, Interruption(2), [Cancel(1), Restore()], State.HEARING),
        (OVERLAP, Backchannel(2), [DropUtterance(2), Restore()], State.SPEAKING),
        (OVERLAP, NoWords(2), [DropUtterance(2), Restore()], State.SPEAKING),
        (OVERLAP, ReplyEnded(1), [Restore()], State.HEARING),
        (OVERLAP, Prompted(), [Cancel(1), Restore(), BeginReply(2, None), Duck()], State.OVERLAP),
        (OVERLAP, Typed(3), [DropUtterance(2), Cancel(1), Restore(), BeginReply(2, 3)], State.THINKING),
        (OVERLAP, Stopped(), [DropUtterance(2), Cancel(1), Restore()], State.LISTENING),
        (OVERLAP, Closed(), [DropUtterance(2), Cancel(1), Restore()], State.CLOSED),
        (OVERLAP_BEFORE_SOUND, Backchannel(2), [DropUtterance(2), Restore()], State.THINKING),
        (OVERLAP_BEFORE_SOUND, NoWords(1), [DropUtterance(1), Cancel(1), Restore()], State.HEARING),
        (OVERLAP_BEFORE_SOUND, NoWords(2), [DropUtterance(2), Restore()], State.THINKING),
        ((*OVERLAP_BEFORE_SOUND, SoundStarted(1)), Backchannel(2), [DropUtterance(2), Restore()], State.SPEAKING),
        ((*OVERLAP_BEFORE_SOUND, Backchannel(2)), NoWords(1), [DropUtterance(1), Cancel(1)], State.LISTENING),
    ],
)
def test_step(before: tuple[Event, ...], event: Event, commands: list[Command], state: State) -> None:
    """Each event gives the commands that a caller expects, in order, and leaves the floor in the right state."""
    floor = floor_after(*before)
    assert floor.receive(event) == commands
    assert floor.state is state


def test_continued_utterance_is_heard_after_the_answer_ends() -> None:
    """What the caller says over the end of a reply is an utterance like any other."""
    floor = floor_after(*OVERLAP, ReplyEnded(1))
    assert floor.receive(Endpoint(2)) == [BeginReply(2, 2)]


def test_unlisted_pair_raises() -> None:
    """A pair of state and event that is not in the table is a fault of the server, and raises."""
    floor = Floor()
    floor.reply = 1
    with pytest.raises(KeyError):
        floor.receive(SoundStarted(1))


def test_every_state_has_its_message() -> None:
    """There is a message for every state of the floor."""
    for state in State:
        assert StateMessage(state=state.value).state == state.value


class Checked:
    """A floor, and a model of it that follows the commands alone. After every event the two must agree."""

    def __init__(self) -> None:
        self.floor = Floor()
        self.live: int | None = None
        self.heard: int | None = None
        self.answered: int | None = None
        self.ducked = False
        self.opened: set[int] = set()
        self.settled: set[int] = set()
        self.last_utterance = self.last_reply = 0
        self.used: set[tuple[State, type[Event]]] = set()

    def event(self, byte: int) -> Event:
        """The event that a byte stands for. A new utterance gets a new number; other events may carry an old one."""
        kind, age = byte % 10, byte // 10
        if byte == 0:
            return Closed()
        if kind < 2:
            self.last_utterance += 1
            return (VoiceStarted, Typed)[kind](self.last_utterance)
        if kind < 6:
            of_utterance = OF_UTTERANCE[kind - 2]
            if of_utterance is not NoWords and (of_utterance is Endpoint) is (self.floor.state is State.OVERLAP):
                of_utterance = NoWords  # the judge of hearing sends no verdict on overlaps, and the other way round
            return of_utterance(self.last_utterance - age % 3)
        if kind < 8:
            return OF_REPLY[kind - 6](self.last_reply - age % 3)
        return (Prompted, Stopped)[kind - 8]()

    def receive(self, event: Event) -> None:
        before = (self.floor.state, self.floor.utterance, self.floor.answered, self.floor.reply)
        stale = self._stale(event)
        if not stale:
            self.used.add((self.floor.state, type(event)))
        commands = self.floor.receive(event)
        if stale or before[0] is State.CLOSED:
            assert commands == []
            assert (self.floor.state, self.floor.utterance, self.floor.answered, self.floor.reply) == before
            return
        if isinstance(event, SoundStarted):
            self.answered = None
        elif isinstance(event, ReplyEnded):
            self.live = self.answered = None
        for command in commands:
            self._follow(command, event)
        self._check_state()

    def _stale(self, event: Event) -> bool:
        if isinstance(event, OF_REPLY):
            return event.reply != self.live
        if isinstance(event, NoWords):
            return event.utterance not in (self.heard, self.answered)
        return isinstance(event, OF_UTTERANCE) and event.utterance != self.heard

    def _follow(self, command: Command, event: Event) -> None:
        match command:
            case OpenUtterance(utterance=number):
                assert self.heard is None
                self.heard = number
                self.opened.add(number)
            case DropUtterance(utterance=number):
                assert number in (self.heard, self.answered)
                self.settled.add(number)
                self.heard = None if number == self.heard else self.heard
            case BeginReply(reply=reply, utterance=number):
                assert self.live is None
                assert reply == self.last_reply + 1
                assert number in (None, self.heard) or event == Typed(number)
                self.live = self.last_reply = reply
                self.answered = number
                self.settled |= {number} if number is not None else set()
                self.heard = None if number == self.heard else self.heard
            case Cancel(reply=reply):
                assert reply == self.live
                self.live = self.answered = None
            case Duck() | Restore():
                assert self.ducked is isinstance(command, Restore)
                self.ducked = not self.ducked

    def _check_state(self) -> None:
        state = self.floor.state
        assert self.ducked is (state is State.OVERLAP)
        assert (self.heard is not None) is (state in (State.HEARING, State.OVERLAP))
        assert (self.live is not None) is (state in (State.THINKING, State.SPEAKING, State.OVERLAP))
        assert (self.floor.utterance, self.floor.answered, self.floor.reply) == (self.heard, self.answered, self.live)
        assert self.opened - self.settled == {self.heard} - {None}


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.binary(min_size=300, max_size=300))
def test_any_order_of_events(script: bytes) -> None:
    """In any order of events, at most one reply and one utterance are live, and none is forgotten."""
    checked = Checked()
    for byte in script:
        checked.receive(checked.event(byte))


def test_table_lists_what_can_happen_and_no_more() -> None:
    """Some order of events reaches each row of the table, and none reaches any other pair."""
    rng, used = random.Random(1), set()
    for _ in range(400):
        checked = Checked()
        for byte in rng.choices(range(256), k=300):
            checked.receive(checked.event(byte))
        used |= checked.used
    assert used == set(TABLE)
