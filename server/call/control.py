"""Control: what operators, and the tools of the agent, may do in a live call."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from server.agent.call_control import ControlsCall, When
from server.call import messages
from server.call.attachment import Attachment
from server.call.audience import Audience, Reader
from server.call.dialogue import Present
from server.call.ears.key_entry import KeyEntry
from server.call.ears.keypad import MAX_KEYS
from server.call.floor import State
from server.call.keys import Keys
from server.call.listeners import Listeners
from server.call.live import LiveCall
from server.call.mind.announcements import Announcement
from server.call.mouth.keystrokes import read_keys
from server.call.setup import CallSetup
from server.errors import Conflict
from server.record.minutes import Minutes

log = logging.getLogger(__name__)


class Control:
    """The control of one call. It is a `CallControl`, for the agent's tools."""

    def __init__(
        self,
        setup: CallSetup,
        minutes: Minutes,
        present: Present,
        attachment: Attachment,
        leave: Callable[[], None],
    ) -> None:
        """`present` gives the dialogue. `leave` says the agent's goodbye, and ends the call."""
        self.audience = Audience()
        self.listeners = Listeners()
        self.keys = Keys(present)
        """What becomes of the keys that the caller presses."""
        self._caller = setup.caller.name
        self._minutes = minutes
        self._present = present
        self._attachment = attachment
        self._leave = leave
        self._tokens = setup.control_tokens
        self.serve(setup)

    def serve(self, setup: CallSetup) -> None:
        """The agent of `setup` has the call: let its tools control it."""
        self._agent, self.keys.menu = setup.agent.name, setup.agent.menu
        if isinstance(setup.deps, ControlsCall) and setup.deps.call is None:
            setup.deps.call = self

    @property
    def muted(self) -> bool:
        """The agent does not hear the caller."""
        return self._present().orders.muted

    @property
    def about(self) -> LiveCall:
        """What an operator sees of the call."""
        record, line = self._minutes.record, self._attachment.line
        waits = (each.figures.waited_ms for each in reversed(record.exchanges) if each.figures is not None)
        counters = None if line is None else line.counters
        return LiveCall(
            record.id, self._agent, self._caller, record.created_ms, self._present().state.value,
            self._attachment.transport, self.muted,
            waited_ms=next((waited for waited in waits if waited is not None), None),
            lost_percent=counters.lost_percent if counters is not None and counters.reports else None,
            round_trip_ms=None if counters is None else counters.round_trip_ms,
        )  # fmt: skip

    @property
    def control_token(self) -> str:
        return self._tokens.of(self._minutes.record.id)

    def listen(self) -> AbstractContextManager[Reader]:
        """Follow the call. Raises TooMany and NotFound when the block begins."""
        return self.audience.join(messages.State(state=self._present().state.value))

    def say(self, text: str, when: When = "next", interruptible: bool = True) -> None:
        """Let the agent say `text`.

        Raises PeerError if it is empty or too long, TooMany if too many lines wait, and Conflict if the call is ending.
        """
        self._check_going_on()
        self._present().unasked.announcements.add(Announcement(text.strip(), when, interruptible))
        self._note(f"a line waits to be said ({when})")

    def press(self, keys: str, when: When = "next") -> None:
        """Let the agent press `keys`. Raises PeerError if it cannot press them, and TooMany and Conflict as `say`."""
        self._check_going_on()
        keys = read_keys(keys)
        self._present().unasked.announcements.add(Announcement(keys, when, interruptible=False, keys=True))
        self._note(f"keys wait to be pressed ({when})")

    async def collect(
        self,
        digits: int = MAX_KEYS,
        terminators: str = "#",
        timeout_s: float = 10.0,
        secret: bool = False,
        prompt: str = "",
    ) -> str:
        """Ask the caller to key in `digits`, and wait for them. What is keyed in is told to nobody but the tool.

        Raises PeerError if the values cannot be used, Conflict if another tool waits for keys or if the call is ending,
        and TooMany if there is no room for the prompt.
        """
        self._check_going_on()
        entry = KeyEntry(digits, terminators, timeout_s, secret)
        log.info("- call %s: a tool asks for keys", self._minutes.record.id)
        return await self.keys.collect(entry, prompt.strip())

    def instruct(self, text: str) -> None:
        """Give the model `text` with each request from now on. Raises Conflict if there are too many, or if the call is
        ending."""
        self._check_going_on()
        self._present().orders.instructions.add(text)
        self._note("the model has a new instruction")

    def mute(self, muted: bool) -> None:
        """Let the agent hear nothing of the caller, or hear the caller again."""
        self._present().orders.muted = muted
        self._note("the caller is muted" if muted else "the caller is not muted any more")

    def hang_up(self, at_once: bool = False) -> None:
        """End the call with the agent's goodbye: after the present answer and all lines that wait, or `at_once`."""
        self._present().unasked.announcements.then_leave = True
        self._note("the call is to end")
        if at_once and not self._present().leaving:
            self._leave()

    def close(self) -> None:
        """The call ends: nobody follows it or listens any more, and no tool gets keys."""
        self.audience.close()
        self.listeners.close()
        self.keys.close()

    def _check_going_on(self) -> None:
        """Raises Conflict if nothing more is said in the call but the goodbye."""
        if self._present().leaving:
            raise Conflict("The agent is saying goodbye, and the call ends with it.")
        if self._present().state is State.CLOSED:
            raise Conflict("The call is over.")

    def _note(self, what: str) -> None:
        """Keep what is done in the record, and write it to the log without the words."""
        if self._present().state is not State.CLOSED:
            self._minutes.ordered(self._present().orders.recorded)
        log.info("- call %s: %s", self._minutes.record.id, what)
