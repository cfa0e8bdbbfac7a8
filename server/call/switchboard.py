"""Switchboard: passes a call on, to another agent of this server, or to a person whom the caller's line can reach."""

import logging
from dataclasses import replace
from typing import Protocol

from server.agent.passing_on import HandOver, PassingOn, Transfer
from server.call import messages
from server.call.control import Control
from server.call.dialogue import Dialogue
from server.call.ending import Ending
from server.call.hooks import Hooks
from server.call.mouth.source import Prompt
from server.call.setup import CallSetup
from server.errors import AgentUnavailable, NotFound
from server.media.frame import FRAME_MS
from server.record.minutes import Minutes

TRANSFER_FRAMES = 60_000 // FRAME_MS
"""How long a client may take to transfer a call. A telephone rings for half a minute before a mailbox answers."""
NOBODY = "Nobody has answered."
FAILED = "(The call could not be transferred to {to}. {reason} Tell the caller, and help as far as you can.)"
TAKEN_OVER = "({name} has said what stands above in your place, and hands the call over to you.{note})"
"""What the model of another agent is told, in the history."""
STAYED = "(The call moved to another server, and was not passed on. Call the tool again if the caller still wants it.)"

log = logging.getLogger(__name__)


class Switched(Protocol):
    """The session whose call is passed on."""

    id: str
    hooks: Hooks

    @property
    def dialogue(self) -> Dialogue: ...

    def send(self, message: messages.ServerMessage) -> None: ...

    def go_on(self, setup: CallSetup) -> None:
        """Begin another dialogue, because the agent of `setup` goes on with the call where the record stands."""


class Switchboard:
    """Passes one call on."""

    def __init__(self, session: Switched, setup: CallSetup, minutes: Minutes, control: Control, ending: Ending) -> None:
        self._session = session
        self._minutes = minutes
        self._control = control
        self._ending = ending
        self.present = setup
        """What the agent that has the call now holds it with."""
        self._known = {setup.name: setup}
        """By the server's name of the agent: those that have had the call. One that gets it back goes on with the
        dependencies that it had."""
        self._ready: dict[str, CallSetup] = {}
        """By the name that a tool has written: those that are about to get it."""
        self._transfer: Transfer | None = None
        """The client is transferring the call."""
        self._frames_left = 0
        self._rings_on = False
        """Nobody has answered in time, but perhaps somebody does later."""
        self._failed = ""
        """What the agent is asked after a transfer that has failed."""

    @property
    def transferring(self) -> bool:
        """The caller waits for a person to answer."""
        return self._transfer is not None

    async def prepare(self, wish: PassingOn) -> str:
        """Make ready what a tool asks for. Returns why that cannot be done; "" if it is ready."""
        if isinstance(wish, Transfer):
            able = self.present.options.transfers
            return "" if able else "The call cannot be transferred from the caller's line."
        setup = self._known.get(wish.agent)
        if setup is None:
            try:
                setup = await self.present.colleague(wish, self._session.dialogue.language.tag)
            except (NotFound, AgentUnavailable) as why_not:
                return why_not.sentence
            setup = self._known.get(setup.name, setup)
        if setup is self.present:
            return f"You are {wish.agent} yourself."
        self._ready[wish.agent] = setup
        return ""

    def pass_frame(self) -> None:
        """20 ms have passed: pass the call on, if the agent has said so and is idle."""
        dialogue = self._session.dialogue
        if self._transfer is not None:
            self._frames_left -= 1
            if not self._frames_left:
                self.transferred(False, NOBODY)
                self._rings_on = True
        if not dialogue.idle:
            return
        wish, dialogue.unasked.passing_on = dialogue.unasked.passing_on, None
        if isinstance(wish, HandOver):
            self._hand_over(self._ready[wish.agent], wish)
        elif isinstance(wish, Transfer):
            self._transfer, self._frames_left, self._rings_on = wish, TRANSFER_FRAMES, False
            log.info("- call %s is to be transferred", self._session.id)
            self._session.send(messages.Transfer(to=wish.to, note=wish.note))
        elif self._failed:
            dialogue.unasked.ask(Prompt(self._failed))
            self._failed = ""

    def transferred(self, ok: bool, reason: str) -> bool:
        """The client tells what became of the transfer. Returns whether a person has the call now."""
        if self._transfer is None:
            return ok and self._rings_on
        log.info("- call %s %s", self._session.id, "is transferred" if ok else "could not be transferred")
        self._failed = "" if ok else FAILED.format(to=self._transfer.to, reason=reason or NOBODY)
        self._transfer = None
        return ok

    def close(self) -> None:
        """The call ends here. If it goes on at another server, its agent has to know that it was not passed on."""
        dialogue = self._session.dialogue
        dialogue.close()
        if dialogue.unasked.would_pass_on:
            dialogue.delivery.writer.add_note(STAYED)

    def _hand_over(self, setup: CallSetup, wish: HandOver) -> None:
        """The agent of `setup` goes on with the call, in which nobody speaks now."""
        before, self.present = self.present, setup
        self._known[setup.name] = setup
        self._ready.clear()
        log.info("- call %s is handed over from %s to %s", self._session.id, before.name, setup.name)
        self._session.dialogue.retire()
        note = f" It says: {wish.note}" if wish.note else ""
        self._session.dialogue.delivery.writer.add_note(TAKEN_OVER.format(name=before.agent.name, note=note))
        standing = replace(self._session.dialogue.standing, agent=setup.name)
        self._minutes.handed_over(setup.agent.state_of(setup.deps), standing)
        self._session.hooks.hand_over(setup, self._ending.told("handed_over"))
        self._control.serve(setup)
        self._session.send(messages.Agent(agent=setup.agent.name))
        self._session.go_on(setup)
        self._session.dialogue.unasked.take_over()
