"""Dialogue: how one exchange follows the other. It connects ears, judge, floor, mind and mouth.

The way of an exchange, and the file that decides each step:

1. A frame comes in (hearing.py). The ears say whether there is a voice in it (ears/ears.py), and the judge whether the
   caller is done or wants to interrupt (turns/judge.py).
2. The floor says who may speak (floor.py).
3. The dialogue carries out what the floor orders (`_obey`).
4. The words of the utterance are settled and answered, mostly ahead of time (mind/utterances.py, mind/answers.py).
5. The reply goes to the caller's ear, 20 ms at a time (`next_frame`, delivery.py, mouth/mouth.py).
6. What the caller heard is written down (mind/exchange_writer.py). What is still owed is kept (mind/owed.py), and
   paid as soon as nobody speaks (unasked.py).

The dialogue knows neither connections nor the life of the call. Its host, the session, does.
"""

from collections.abc import Callable

from server.call import events, messages
from server.call.budget import Budget
from server.call.delivery import NOT_PASSED_ON, Delivery
from server.call.floor import Floor, State
from server.call.hearing import Hearing
from server.call.host import Host
from server.call.mind.answers import Answers
from server.call.mind.language import LanguageOfCall
from server.call.mind.lasting import Lasting
from server.call.mind.owed import Debt, Happening, Owed
from server.call.mind.standing_orders import StandingOrders
from server.call.mind.utterance import Utterance
from server.call.mind.utterances import Utterances
from server.call.mouth.mouth import Asked, SpokenReply
from server.call.mouth.reply import Reply
from server.call.setup import CallSetup
from server.call.trouble import Trouble
from server.call.turns.lexicon.lexicon import Wanted
from server.call.unasked import Unasked
from server.errors import EngineError
from server.media.frame import FRAME_MS, SILENCE, Frame
from server.record.conversation import Standing

Present = Callable[[], "Dialogue"]
"""Gives the present dialogue of a call: another agent has another one."""

STARVED_FRAMES = 100 // FRAME_MS
"""After this long without a frame, while the caller speaks, silence is heard instead. The network is gone, or the
client sends nothing in silence."""


class Dialogue:
    """The talking of one call."""

    def __init__(self, host: Host, setup: CallSetup, standing: Standing, budget: Budget, lasting: Lasting) -> None:
        """Goes on at `standing`, which is empty for a new call. `lasting` goes on after this dialogue, too."""
        self._host, self._setup, self._budget = host, setup, budget
        self.language = LanguageOfCall(setup, standing.language)
        self._floor = Floor(standing.reply)
        self._owed = Owed(standing.unanswered, standing.unsaid, lambda: self._trouble.left_out())
        self.history, self.ears = lasting.history, lasting.ears
        self.ears.pause_ms = setup.settings.endpoint.prepare_ms
        self._answers = Answers(setup, self.language, lasting, host, budget)
        self.ask_beside = self._answers.beside.ask
        self.utterances = Utterances(self, host, setup, self.ears, self._answers, self._owed)
        self.utterances.newest = standing.utterance
        lasting.writer.write_for(setup, self._owed, lambda: self.standing)
        self.delivery = Delivery(self, host, setup, self._answers, lasting.writer, self._owed)
        """The reply on its way to the caller; the session tells it what the client has played and what was lost."""
        self.unasked = Unasked(self, host, self._answers, self._owed, self.utterances, self.delivery)
        """What the agent says without being asked, and the lines of operators and tools."""
        self.orders = StandingOrders(standing.orders, self.unasked.announcements, self._answers.instructions)
        self.hearing = Hearing(setup, self.language, self.ears, self.utterances, self.delivery.mouth, self.history)
        self._trouble = Trouble(
            host, setup, self.language, self._owed, lambda: self._floor.reply is not None, self.unasked.pay
        )
        self._starved_frames = 0
        self._shown_state: State | None = None

    @property
    def state(self) -> State:
        """Who has the floor."""
        return self._floor.state

    @property
    def quiet(self) -> bool:
        """Nobody speaks, and nothing is being answered."""
        return self._floor.state is State.LISTENING

    @property
    def idle(self) -> bool:
        """Nobody speaks, and the agent has said everything that it has to say."""
        return self.quiet and self._owed.nothing_due and not self.lines_wait

    @property
    def in_company(self) -> bool:
        """Other voices keep the agent from speaking, so it speaks on over them."""
        return self.hearing.company.here

    @property
    def number_wanted(self) -> bool:
        """The agent has asked for a number."""
        return self.language.lexicon.asked_for(self.history.last_said) is Wanted.NUMBER

    @property
    def leaving(self) -> bool:
        """The agent says goodbye; the call ends when the caller has heard it."""
        return self._owed.owes(Debt.GOODBYE)

    @property
    def standing(self) -> Standing:
        """What another server needs in order to go on with the call.

        What the caller has missed is only complete after `close`.
        """
        utterance, reply, owed = self.utterances.newest, self._floor.last_reply, self._owed
        language, used, orders = self.language.recorded, self._budget.used, self.orders.recorded
        return Standing(utterance, reply, owed.unsaid, owed.words, language, used, self._setup.name, orders)

    @property
    def working(self) -> bool:
        """A reply that the floor has committed to is being made."""
        return self.utterances.answering is not None or self.delivery.working

    # Sound

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms."""
        self._starved_frames = 0
        self._hear(frame)

    def next_frame(self) -> bytes | None:
        """The next 20 ms for the caller's ear: 24 kHz PCM, or None in silence. Called every 20 ms."""
        self.unasked.pass_frame()
        self._starved_frames += 1
        if self._starved_frames > STARVED_FRAMES:
            self.delivery.mouth.playout.soften(False)
            if self.utterances.present is not None:
                self._hear(Frame(SILENCE, start_samples=0))
        return self.delivery.next_frame(may_fill=self.state in (State.THINKING, State.SPEAKING))

    def _hear(self, frame: Frame) -> None:
        event = self.hearing.hear(frame, self._floor.state)
        stirs = self._floor.state is State.SPEAKING and self.ears.stirs(frame.pcm)
        self.delivery.mouth.playout.soften(stirs and self.delivery.interruptible and not self.hearing.speaks_on)
        if isinstance(event, events.NoWords):
            self.on_no_words(event.utterance)
        elif event is not None:
            self.tell_floor(event)
            self.unasked.announce()  # before the answer that may begin with this event is heard

    # The floor

    def tell_floor(self, event: events.Event) -> None:
        """Tell the floor, and do what it orders."""
        for command in self._floor.receive(event):
            self._obey(command)
        self.show_state()

    def _obey(self, command: events.Command) -> None:
        match command:
            case events.OpenUtterance(utterance=number):
                self._answers.not_passed_on = NOT_PASSED_ON if self.unasked.passing_on else ""
                self.utterances.open(number)
            case events.DropUtterance(utterance=number):
                self.utterances.drop(number)
            case events.BeginReply(reply=number, utterance=None):
                self.hearing.company.begin()
                self.delivery.say(number, self.unasked.take_next())
            case events.BeginReply(utterance=int(number)):
                self.hearing.company.begin()
                self.utterances.answer(number)
            case events.Cancel(reply=number):
                self.utterances.overtake()
                self._trouble.interrupted(answer=self.unasked.cancel(number))
            case events.Duck() if self.delivery.interruptible and not self.hearing.speaks_on:
                self.delivery.mouth.playout.duck()
            case events.Restore():
                self.delivery.mouth.restore()

    def show_state(self) -> None:
        """Tell the client who has the floor, if that has changed."""
        state = self._floor.state
        if state is not self._shown_state:
            self._shown_state = state
            self._host.send(messages.State(state=state.value))

    # What becomes of utterances and replies

    def on_answer(self, utterance: Utterance, prompt: str, reply: Reply) -> None:
        assert self._floor.reply is not None, "because the floor has committed to the utterance"
        self.unasked.stay()
        asked = Asked(utterance.number, prompt, utterance.began_s)
        self.delivery.answer(self._floor.reply, reply, utterance.stopwatch, asked)

    def on_no_words(self, utterance: int) -> None:
        self.tell_floor(events.NoWords(utterance))
        self.unasked.pay()  # this sound may have cut a reply off, or kept the agent from an apology

    def on_no_transcript(self, utterance: int, failure: EngineError) -> None:
        self.tell_floor(events.NoWords(utterance))
        self.fail(failure, turn=True)

    def on_missed(self, spoken: SpokenReply) -> None:
        self.unasked.missed(spoken)

    def on_over(self, spoken: SpokenReply, failure: EngineError | None) -> None:
        self.unasked.passing_on = spoken.reply.source.passes_on or self.unasked.passing_on
        if spoken.reply.source.hang_up and self.lines_wait:
            self.unasked.announcements.then_leave = True
        elif spoken.reply.source.hang_up:
            self.unasked.leave()  # a goodbye was promised, and not said
        if failure is not None:
            self.unasked.failed(spoken)
            self.fail(failure, turn=spoken.asked is not None)
        elif not self.leaving:
            if self.hearing.company.heard_out() and spoken.asked is not None:
                self._host.answered()  # whoever listens to an answer has asked for it
            self._trouble.passed(turn=spoken.asked is not None)
            self.unasked.pay()  # words over a reply may be owed an answer

    def fail(self, failure: EngineError, turn: bool = False) -> None:
        """An engine has failed: the client is told, and the agent apologises or gives up. `turn`: as for `Trouble`."""
        self._trouble.report(failure, self.leaving or self.unasked.passing_on is not None, turn)

    # Typed words, and lines that nobody asked for

    def type(self, text: str) -> None:
        """Typed words are an utterance that is whole at once. They wait for the end of a line that has to be heard."""
        if self.delivery.interruptible or self.leaving:
            self.tell_floor(events.Typed(self.utterances.type(text)))
        else:
            self.utterances.put_off_typed(text)

    def hush(self) -> None:
        """Stop speaking, because the caller presses a key. A tool goes on, and a goodbye that ends the call, too."""
        reply = self.delivery.current
        speaking = self.state in (State.SPEAKING, State.OVERLAP)
        if speaking and reply and reply.reply.interruptible and not reply.reply.source.tool_running:
            self.tell_floor(events.Stopped())

    def stop(self) -> None:
        """Fall silent, because the caller asks for it by a button. Questions that are still open get no answer.

        The call ends if the agent was about to end it. A line that has to be heard goes on.
        """
        ends = self.leaving or self.delivery.hanging_up
        if ends or self.delivery.interruptible:
            self.unasked.give_up()
            self.tell_floor(self.hearing.stopped(self._floor.state))
        self.utterances.forget(Happening.SILENCED)
        if ends:
            self._host.end()

    @property
    def lines_wait(self) -> bool:
        """Lines of an operator or a tool are still to be said."""
        return bool(self.unasked.announcements)

    @property
    def hopeless(self) -> bool:
        """The agent has failed so often that it gives up."""
        return self._trouble.hopeless

    # Connections come and go

    def resume(self) -> None:
        """Go on, because the caller is back. A reply that the drop has cut off continues by itself.

        If there is none, the agent answers what is unanswered, or says what the caller has missed. If no line waits
        either, it asks its last question again.
        """
        self.ears.reconnect()
        self._shown_state = None
        self.show_state()
        again = self._owed.take_unsaid() or ("" if self.lines_wait else self.history.last_question)
        if self._owed.owes(Debt.ANSWER):
            self.unasked.pay()
        elif again and self.quiet:
            self.unasked.say(again, "The connection was lost and is back.")

    def retire(self) -> None:
        """End the dialogue when it is `idle`, because another agent goes on with the call."""
        self._shown_state = State.CLOSED  # to the client the call is not closed
        self.tell_floor(events.Closed())
        self._answers.stop_all()

    def close(self) -> None:
        """End the dialogue: nothing more is said, heard or made here. Another server may go on with the call."""
        current, present = self.delivery.current, self.utterances.present
        announcing = self.unasked.announced is not None  # what is left of it waits again among the lines
        half = present.text if present is not None and self._floor.state is State.HEARING else ""
        self.tell_floor(events.Closed())
        self.utterances.keep(half)
        self._answers.stop_all()
        if current is None or announcing:
            self._owed.leave_behind(None, answers=False)
        else:
            self._owed.leave_behind(current.reply.unheard, answers=current.asked is not None)
        self._owed.settle(Happening.ENDED)
