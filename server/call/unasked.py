"""Unasked: all that the agent says without being asked.

The server's own lines are said when nobody speaks: greeting, question, apology, the rest of an answer. The lines of
operators and tools wait for their moment (mind/announcements.py), and may cut an answer off. None of them takes the
caller's words away: words without an answer stay owed, and are answered afterwards (mind/owed.py).
"""

from functools import partial
from typing import Protocol

from server.agent.passing_on import PassingOn
from server.agent.run import AgentRun
from server.call import events
from server.call.asking import Asking
from server.call.delivery import NOT_PASSED_ON, Delivery
from server.call.floor import State
from server.call.host import Host
from server.call.mind.announced import Announced
from server.call.mind.announcements import Announcement, Announcements, Moment
from server.call.mind.answers import Answers
from server.call.mind.owed import Debt, Happening, Owed, Rest
from server.call.mind.utterances import Utterances
from server.call.mouth.keystrokes import Keystrokes
from server.call.mouth.mouth import SpokenReply
from server.call.mouth.source import Line, Prompt

GO_ON = "(Something else had to be said before your answer was heard. Tell the caller now what has come of it.)"
"""What the model is asked when a line has cut off an answer whose tools had begun. It knows their results."""

RESPOND = "(It is your turn to speak: go on with the conversation.)"
"""What the model is asked when the client wants an answer, and everything that was said has one."""

GO_ON_FROM = "(The call was handed over to you. {name} Go on with what the caller wants.)"
NAMED = "The caller was told your name."
NOT_NAMED = "The caller does not know it yet: say who you are."
"""What the model is asked when another agent has handed the call over, with an introduction and without."""


class Talk(Protocol):
    """The dialogue in which the lines are said."""

    @property
    def state(self) -> State: ...

    @property
    def in_company(self) -> bool: ...

    def tell_floor(self, event: events.Event) -> None: ...

    @property
    def hopeless(self) -> bool: ...


class Unasked:
    """What the agent of one call says unasked."""

    def __init__(
        self, talk: Talk, host: Host, answers: Answers, owed: Owed, utterances: Utterances, delivery: Delivery
    ) -> None:
        self.announcements = Announcements()
        self.passing_on: PassingOn | None = None
        """To whom the call is passed on as soon as nobody speaks, and nothing is owed."""
        self._relief = answers.relief
        self._talk = talk
        self._host = host
        self._answers = answers
        self._owed = owed
        self._utterances = utterances
        self._delivery = delivery
        utterances.on_set_aside = delivery.note
        self._next: Line | Keystrokes | Prompt | None = None
        """What the agent says when the floor lets it: a line, keys, or what the model answers to this prompt."""
        self._announced: Announced | None = None
        """The announcement that was begun last."""
        self.asking = Asking(self, talk, owed, utterances, delivery)
        """The prompts of tools that ask for keys."""

    @property
    def waits_to_be_asked(self) -> bool:
        return self._answers.brought.speaks_when_asked

    # Lines of the server

    def say(self, text: str, occasion: str, hang_up: bool = False) -> None:
        """Let the agent say `text`, and then `hang_up`, if that is wanted. Does nothing if the text is empty, and while
        anyone speaks or waits for an answer. In company the agent speaks beside the voices, and what they say is
        answered afterwards."""
        text = "" if self.waits_to_be_asked and not hang_up else text
        line = Line(text, occasion, hang_up=hang_up)
        if text and self._talk.state is State.LISTENING:
            self.begin(line)
        elif text and self._quiet:
            self._prompt(line)

    def begin(self, line: Line) -> None:
        """Let the agent say `line` now, whoever has the floor. Nothing that was said before is answered any more."""
        self._prompt(line)
        self._utterances.forget(Happening.LINE_BEGINS)

    def ask(self, prompt: Prompt) -> None:
        """Let the agent say now what its model answers to `prompt`."""
        self._prompt(prompt)

    def respond(self, instructions: str) -> None:
        """Let the agent answer now, because the client wants it. Does nothing while anyone speaks or waits for an
        answer, nor at the end of the call. `instructions` are for this answer alone."""
        if self._utterances.want():
            return  # what the caller has just said is answered
        if self._talk.state is State.LISTENING and not self._owed.owes(Debt.GOODBYE):
            self.ask(Prompt("" if self._answers.unanswered else RESPOND, instructions=instructions))

    def take_over(self) -> None:
        """Say who speaks now, and go on with the call, which another agent has handed over."""
        introduction = self._answers.language.line("introduction")
        self.ask(Prompt(GO_ON_FROM.format(name=NAMED if introduction else NOT_NAMED), introduction))

    def stay(self) -> None:
        """The caller goes on, so the call is not passed on, and the model is told so."""
        if self.passing_on is not None:
            self._answers.not_passed_on = NOT_PASSED_ON
        self.passing_on = None

    @property
    def would_pass_on(self) -> bool:
        """The call was about to be passed on."""
        return self.passing_on is not None or self._owed.rest.passes_on is not None

    def leave(self, why: str = "") -> None:
        """Say `why`, and the agent's goodbye; the call ends when the caller has heard it."""
        self._owed.owe_goodbye()
        if (goodbye := self._answers.goodbye_after(why)).text:
            self.begin(goodbye)
        else:
            self._host.end()

    def pay(self) -> None:
        """Say the line whose time has come, or pay what is due, if nobody speaks."""
        self.announce()
        rest = self._owed.rest
        match self._owed.due if self._talk.state is State.LISTENING else None:
            case Debt.APOLOGY if self._talk.hopeless and (relief := self._take_relief()):
                self._owed.settle(Happening.LINE_BEGINS)
                self._host.start(partial(self._be_relieved, relief), "relief")
            case Debt.APOLOGY if self._talk.hopeless:
                self.leave(self._answers.language.line("cannot_help"))
            case Debt.APOLOGY:
                self.say(self._answers.language.line("apology"), "Something failed.")
            case Debt.ANSWER:
                self._talk.tell_floor(events.Typed(self._utterances.repeat()))
            case Debt.REST if rest.text:
                why = "A sound has interrupted the agent."
                self.begin(Line(rest.text, why, True, rest.then_end, rest.known, rest.passes_on))
            case Debt.REST if rest.then_end:
                self.leave()
            case Debt.REST:
                self._owed.settle(Happening.LINE_BEGINS)
                self.passing_on = rest.passes_on
            case Debt.OUTCOME if not self._answers.tools_running:
                self._owed.settle(Happening.REPLY_BEGINS)
                self._prompt(Prompt(GO_ON))
            case Debt.RESULT if self.announcements.idle:
                self._prompt(Prompt(self._answers.news.ask()))

    # Lines of operators and tools

    def pass_frame(self) -> None:
        """20 ms have passed: say the line whose time has come, and what a tool has done that returns late."""
        self.announcements.pass_frame(self._quiet)
        if self.announcements or self.announcements.then_leave:
            self.announce()
        if self._owed.owes(Debt.OUTCOME) or self._owed.owes(Debt.RESULT):
            self.pay()

    def announce(self) -> None:
        """Say the line whose time has come. The call ends after the last one if that is wanted."""
        if self._owed.owes(Debt.GOODBYE) or self._talk.state is State.CLOSED:
            return
        moment = self._moment
        if (announcement := self.announcements.take(moment)) is not None:
            announced = Announced.of(announcement)
            self._prompt(announced.source)
            self._announced = announced
        elif self.announcements.then_leave and not self.announcements and moment.quiet and not moment.owing:
            self.leave()

    def failed(self, spoken: SpokenReply) -> None:
        """The speech of a reply could not be made. If it is an announcement, the rest of it is tried again."""
        if (announced := self._take_announced(spoken)) is not None:
            self.announcements.put_back_failed(announced.rest(spoken))

    def missed(self, spoken: SpokenReply) -> None:
        """The caller has missed the end of a reply. If it is an announcement, that is said again."""
        if spoken.reply.unheard and (announced := self._take_announced(spoken)) is not None:
            self.announcements.put_back(announced.rest(spoken))
            self._owed.owe_unsaid("")

    @property
    def announced(self) -> Announcement | None:
        """The announcement that is being said; None if there is none."""
        current, announced = self._delivery.current, self._announced
        return announced.announcement if current and announced and current.reply.source is announced.source else None

    def give_up(self) -> None:
        """The caller wants no more of the announcement that is being said."""
        self._announced = None

    # What the dialogue does for them

    def take_next(self) -> Line | Keystrokes | Prompt:
        """What has to be said now that the floor lets the agent speak."""
        taken, self._next = self._next, None
        assert taken is not None, "because Prompted is only sent by _prompt"
        return taken

    def cancel(self, number: int) -> bool:
        """End reply number `number` for good, because of the caller's voice or of a line.

        An announcement of which the caller heard nothing is said later, and so is the rest of one that gives way to
        another line, or that is cut off where the dialogue closes: then another server says it. Of an answer that a
        line cuts off, the rest is only said if tools have run for it, or it tells of one that has returned from the
        background.

        Returns whether it was an answer that had been heard in part, and had not failed.
        """
        spoken, rest, for_line = self._delivery.current, self._owed.rest, self._next is not None
        tells = spoken is not None and self._answers.news.new_in(spoken.reply.source.known)
        answered = self._delivery.cancel(number)
        if spoken is None or spoken.number != number:
            return False
        reply, heard = spoken.reply, spoken.reply.speech.heard
        announced = self._take_announced(spoken)
        if announced is not None and (for_line or not heard or self._talk.state is State.CLOSED):
            if not (heard and reply.complete and not reply.unheard):
                self.announcements.put_back(announced.rest(spoken))
            self._owed.owe_rest(rest)
        elif for_line and not reply.complete and (tells or _has_effects(spoken)):
            self._owed.owe_outcome()
        elif for_line and heard and not (tells or reply.source.tools):
            self._owed.owe_rest(Rest("", reply.source.hang_up, passes_on=reply.source.passes_on))
        return answered

    # Steps of the methods above

    @property
    def _quiet(self) -> bool:
        """Nobody speaks for whom the agent would wait, and no answer is being made."""
        state = self._talk.state
        return state is State.LISTENING or (state is State.HEARING and self._talk.in_company)

    @property
    def _moment(self) -> Moment:
        due, rest, state = self._owed.due, self._owed.rest, self._talk.state
        return Moment(
            quiet=self._quiet,
            caller_speaks=state in (State.HEARING, State.OVERLAP) and not self._talk.in_company,
            speaking=self._delivery.has_words,
            yields=self._delivery.interruptible and not self._saying_at_once,
            finishing=due is Debt.APOLOGY or (due is Debt.REST and bool(rest.text)),
            owing=due is not None,
        )

    @property
    def _saying_at_once(self) -> bool:
        """A line that came at once is being said. The next one waits until it is over."""
        return self.announced is not None and self.announced.when == "now"

    def _take_relief(self) -> PassingOn | None:
        """Who takes the call that the agent gives up; None if nobody does, or somebody should have done so before."""
        relief, self._relief = self._relief, None
        return relief

    async def _be_relieved(self, relief: PassingOn) -> None:
        """Pass the call on, or end it if that cannot be done."""
        why_not = await self._host.pass_on(relief)
        if self._owed.owes(Debt.GOODBYE) or self._talk.state is State.CLOSED:
            return  # the call ends already
        if why_not:
            self.leave(self._answers.language.line("cannot_help"))
        elif line := self._answers.language.line("relieved"):
            self.begin(Line(line, "Answers have failed.", passes_on=relief))
        else:
            self.passing_on = relief

    def _take_announced(self, spoken: SpokenReply) -> Announced | None:
        """The announcement that `spoken` says; None if it says something else."""
        if self._announced is None or self._announced.source is not spoken.reply.source:
            return None
        announced, self._announced = self._announced, None
        return announced

    def _prompt(self, what: Line | Keystrokes | Prompt) -> None:
        self._next = what
        self._talk.tell_floor(events.Prompted())


def _has_effects(spoken: SpokenReply) -> bool:
    """Whether tools have begun for a reply, or it tells what tools of a reply before it have done."""
    source = spoken.reply.source
    return bool(source.tools) or (isinstance(source, AgentRun) and spoken.asked is None)
