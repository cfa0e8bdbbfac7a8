"""Watch: what the agent does as time passes. It asks a silent caller, and ends calls that are idle or too long."""

import logging
from collections.abc import Callable

from server.call import messages
from server.call.budget import Budget, Part
from server.call.dialogue import Present
from server.call.host import Host
from server.call.setup import CallSetup
from server.call.turns.idleness import Idle, Idleness

log = logging.getLogger(__name__)


class Watch:
    """The time of one call, and the rest of its budget."""

    def __init__(
        self, host: Host, setup: CallSetup, present: Present, budget: Budget, leave: Callable[[], None]
    ) -> None:
        """`present` gives the dialogue. `leave` ends the call with a goodbye that the caller cannot interrupt."""
        self._host = host
        self._present = present
        self._leave = leave
        self._idleness = Idleness(setup.settings.idle_prompt_s, setup.settings.idle_prompts)
        self._budget = budget
        self._told = False
        """The client knows that the budget is used up."""

    def caller_is_there(self) -> None:
        """The caller has done something: a key, a button, a new connection."""
        self._idleness.restart()

    def words_are_answered(self) -> None:
        """They show that the caller is there, unless other voices may have said them."""
        if not self._present().in_company:
            self._idleness.restart()

    def pass_frame(self) -> None:
        """20 ms have passed. The caller may interrupt the goodbye to a silent caller, and the call goes on."""
        self._budget.pass_frame()
        if (part := self._budget.reached) is not None:
            self._end_politely(part)
        if self._present().delivery.awaited or self._present().unasked.waits_to_be_asked:
            self._idleness.restart()
        match self._idleness.pass_frame(self._present().state, self._present().in_company):
            case Idle.ASK:
                self._ask()
            case Idle.LEAVE if goodbye := self._present().language.line("goodbye"):
                self._present().unasked.say(goodbye, "The caller is not there any more.")
            case Idle.LEAVE | Idle.END:
                self._host.end("idle")

    def _end_politely(self, part: Part) -> None:
        """The budget is used up: take leave as soon as nobody speaks, or when the time is over."""
        if not self._told:
            self._told = True
            log.info("- call %s has used up its budget: %s", self._host.id, part.value)
            self._host.send(messages.Error(code="limit_reached", message=part.sentence))
        if not self._present().leaving and (self._present().quiet or self._budget.overdue):
            self._leave()

    def _ask(self) -> None:
        dialogue = self._present()
        dialogue.ears.nearness.doubt()
        if dialogue.in_company:
            why = "Other voices are heard, and perhaps not the caller."
            dialogue.unasked.say(dialogue.language.line("other_voices"), why)
        else:
            dialogue.unasked.say(dialogue.language.line("still_there"), "The caller has been silent for a while.")
