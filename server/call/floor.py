"""The floor: who may speak.

Events go in, commands come out. The floor knows nothing of audio, words, time or tasks. VAD and the judge tell it that
the caller began to speak, is done, or speaks over the agent and what that means; the playout tells it when a reply is
first heard and when it ends. The floor gives every reply its number.

At most one utterance is heard and one reply is live. An event carries the number of its utterance or reply. A late
event about another one is dropped here, before the table, so that nobody else needs to check. The table lists every
other pair of state and event that can happen; any other pair raises. An answer that is prepared while the caller pauses
is not known here: it becomes a reply when the floor commits to the utterance.
"""

from enum import Enum

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
    OfReply,
    OpenUtterance,
    Prompted,
    ReplyEnded,
    Restore,
    SoundStarted,
    Stopped,
    Typed,
    VoiceStarted,
)


class State(Enum):
    LISTENING = "listening"  # nobody speaks
    HEARING = "hearing"  # the caller speaks
    THINKING = "thinking"  # the caller is done, and hears nothing yet
    SPEAKING = "speaking"  # the caller hears the agent
    OVERLAP = "overlap"  # the caller speaks while it is the agent's turn: the agent is ducked, the judge decides
    CLOSED = "closed"  # the call is over


TABLE: dict[tuple[State, type[Event]], str] = {
    (State.LISTENING, VoiceStarted): "hear",
    (State.LISTENING, Typed): "answer_typed",
    (State.LISTENING, Prompted): "speak",
    (State.LISTENING, Stopped): "ignore",
    (State.LISTENING, Closed): "close",
    (State.HEARING, VoiceStarted): "ignore",  # the same utterance goes on after a pause
    (State.HEARING, Endpoint): "answer",
    (State.HEARING, NoWords): "withdraw",
    (State.HEARING, Typed): "answer_typed",
    (State.HEARING, Prompted): "speak_beside",
    (State.HEARING, Stopped): "ignore",
    (State.HEARING, Closed): "close",
    (State.THINKING, VoiceStarted): "overlap",
    (State.THINKING, NoWords): "withdraw",
    (State.THINKING, Typed): "answer_typed",
    (State.THINKING, Prompted): "speak_over",
    (State.THINKING, Stopped): "fall_silent",
    (State.THINKING, SoundStarted): "sound",
    (State.THINKING, ReplyEnded): "finish",
    (State.THINKING, Closed): "close",
    (State.SPEAKING, VoiceStarted): "overlap",
    (State.SPEAKING, Typed): "answer_typed",
    (State.SPEAKING, Prompted): "speak_over",
    (State.SPEAKING, Stopped): "fall_silent",
    (State.SPEAKING, SoundStarted): "ignore",
    (State.SPEAKING, ReplyEnded): "finish",
    (State.SPEAKING, Closed): "close",
    (State.OVERLAP, VoiceStarted): "ignore",
    (State.OVERLAP, NoWords): "withdraw_one",
    (State.OVERLAP, Interruption): "yield",
    (State.OVERLAP, Backchannel): "go_on",
    (State.OVERLAP, Typed): "answer_typed",
    (State.OVERLAP, Prompted): "speak_beside",
    (State.OVERLAP, Stopped): "fall_silent",
    (State.OVERLAP, SoundStarted): "sound",
    (State.OVERLAP, ReplyEnded): "finish_under",
    (State.OVERLAP, Closed): "close",
    (State.CLOSED, VoiceStarted): "ignore",
    (State.CLOSED, Typed): "ignore",
    (State.CLOSED, Prompted): "ignore",
    (State.CLOSED, Stopped): "ignore",
    (State.CLOSED, Closed): "ignore",
}
"""For each state and event the name of the method of Floor that handles it, without its underscore."""


class Floor:
    """The state machine of one call. VoiceStarted and Typed bring a new number for each utterance."""

    def __init__(self, last_reply: int = 0) -> None:
        """`last_reply`: the number of the last reply so far, when a call goes on from its record."""
        self.state = State.LISTENING
        self.utterance: int | None = None
        """The utterance that is being heard."""
        self.answered: int | None = None
        """The utterance that the live reply answers, until the caller hears the reply."""
        self.reply: int | None = None
        """The live reply."""
        self._sounding = False
        self.last_reply = last_reply

    def receive(self, event: Event) -> list[Command]:
        """Take one event. Returns what has to be done, in this order."""
        if self._stale(event):
            return []
        commands: list[Command] = _STEPS[self.state, type(event)](self, event)
        return commands

    def _stale(self, event: Event) -> bool:
        if isinstance(event, OfReply):
            return event.reply != self.reply
        if isinstance(event, NoWords):
            return event.utterance not in (self.utterance, self.answered)
        if isinstance(event, Endpoint | Interruption | Backchannel):
            return event.utterance != self.utterance
        return False

    # The methods that the table names. Each of them sets the next state.

    def _ignore(self, event: Event) -> list[Command]:
        return []

    def _hear(self, event: VoiceStarted) -> list[Command]:
        self.state, self.utterance = State.HEARING, event.utterance
        return [OpenUtterance(event.utterance)]

    def _overlap(self, event: VoiceStarted) -> list[Command]:
        self.state, self.utterance = State.OVERLAP, event.utterance
        return [Duck(), OpenUtterance(event.utterance)]

    def _answer(self, event: Endpoint) -> list[Command]:
        return [self._begin_reply(event.utterance)]

    def _answer_typed(self, event: Typed) -> list[Command]:
        return [*self._hush(), self._begin_reply(event.utterance)]

    def _speak(self, event: Prompted) -> list[Command]:
        return [self._begin_reply(None)]

    def _speak_over(self, event: Prompted) -> list[Command]:
        return [*self._hush(), self._begin_reply(None)]

    def _speak_beside(self, event: Prompted) -> list[Command]:
        """The utterance that is heard goes on, as if it had begun over the reply."""
        heard, cancel = self.utterance, self._cancel()
        restore: list[Command] = [Restore()] if self.state is State.OVERLAP else []
        begin = self._begin_reply(None)
        self.state, self.utterance = State.OVERLAP, heard
        return [*cancel, *restore, begin, Duck()]

    def _withdraw(self, event: NoWords) -> list[Command]:
        commands = [DropUtterance(event.utterance), *self._cancel()]
        self.state, self.utterance = State.LISTENING, None
        return commands

    def _withdraw_one(self, event: NoWords) -> list[Command]:
        """In an overlap there are two utterances: the one that is heard, and the one that the reply answers."""
        if event.utterance == self.utterance:
            return self._go_on(event)
        self.state = State.HEARING
        return [DropUtterance(event.utterance), *self._cancel(), Restore()]

    def _yield(self, event: Interruption) -> list[Command]:
        self.state = State.HEARING
        return [*self._cancel(), Restore()]

    def _go_on(self, event: Backchannel | NoWords) -> list[Command]:
        self.state = State.SPEAKING if self._sounding else State.THINKING
        self.utterance = None
        return [DropUtterance(event.utterance), Restore()]

    def _sound(self, event: SoundStarted) -> list[Command]:
        self._sounding, self.answered = True, None
        if self.state is State.THINKING:
            self.state = State.SPEAKING
        return []

    def _finish(self, event: ReplyEnded) -> list[Command]:
        self._end_reply()
        self.state = State.LISTENING
        return []

    def _finish_under(self, event: ReplyEnded) -> list[Command]:
        self._end_reply()
        self.state = State.HEARING
        return [Restore()]

    def _fall_silent(self, event: Stopped) -> list[Command]:
        commands = self._hush()
        self.state = State.LISTENING
        return commands

    def _close(self, event: Closed) -> list[Command]:
        commands = self._hush()
        self.state = State.CLOSED
        return commands

    # What several of them do

    def _begin_reply(self, utterance: int | None) -> Command:
        self.last_reply += 1
        self.reply, self.answered, self._sounding = self.last_reply, utterance, False
        self.state, self.utterance = State.THINKING, None
        return BeginReply(self.last_reply, utterance)

    def _end_reply(self) -> None:
        self.reply, self.answered, self._sounding = None, None, False

    def _cancel(self) -> list[Command]:
        if self.reply is None:
            return []
        cancel = Cancel(self.reply)
        self._end_reply()
        return [cancel]

    def _hush(self) -> list[Command]:
        """Nobody speaks any more. An utterance that is being answered already goes with its reply."""
        heard, self.utterance = self.utterance, None
        drop: list[Command] = [] if heard is None else [DropUtterance(heard)]
        restore: list[Command] = [Restore()] if self.state is State.OVERLAP else []
        return [*drop, *self._cancel(), *restore]


_STEPS = {pair: getattr(Floor, f"_{step}") for pair, step in TABLE.items()}
