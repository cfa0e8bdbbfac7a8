"""Control: what operators, and the tools of the agent, may do in a live call."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from server.agent.call_control import ControlsCall, When
from server.call import messages
from server.call.attachment import Attachment
from server.call.audience import Audience, Reader
from server.call.dialogue import Present
from server.call.live import LiveCall
from server.call.mind.announcements import Announcement
from server.call.setup import CallSetup
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
        self.muted = False
        """The agent does not hear the caller. Typed words, keys and the recording are not touched."""
        self._caller = setup.caller.name
        self._minutes = minutes
        self._present = present
        self._attachment = attachment
        self._leave = leave
        self.serve(setup)

    def serve(self, setup: CallSetup) -> None:
        """The agent of `setup` has the call: let its tools control it."""
        self._agent = setup.agent.name
        if isinstance(setup.deps, ControlsCall) and setup.deps.call is None:
            setup.deps.call = self

    @property
    def about(self) -> LiveCall:
        """What an operator sees of the call."""
        record = self._minutes.record
        return LiveCall(
            record.id, self._agent, self._caller, record.created_ms, self._present().state.value,
            self._attachment.transport, self.muted,
        )  # fmt: skip

    def listen(self) -> AbstractContextManager[Reader]:
        """Follow the call. Raises TooMany and NotFound when the block begins."""
        return self.audience.join(messages.State(state=self._present().state.value))

    def say(self, text: str, when: When = "next", interruptible: bool = True) -> None:
        """Let the agent say `text`. Raises PeerError if it is empty or too long, and TooMany if too many lines wait."""
        self._present().unasked.announcements.add(Announcement(text.strip(), when, interruptible))
        self._note(f"a line waits to be said ({when})")

    def instruct(self, text: str) -> None:
        """Give the model `text` with each request from now on. Raises Conflict if there are too many."""
        self._present().instruct(text)
        self._note("the model has a new instruction")

    def mute(self, muted: bool) -> None:
        """Let the agent hear nothing of the caller, or hear the caller again."""
        self.muted = muted
        self._note("the caller is muted" if muted else "the caller is not muted any more")

    def hang_up(self, at_once: bool = False) -> None:
        """End the call with the agent's goodbye: after the present answer and all lines that wait, or `at_once`."""
        self._note("the call is to end")
        self._present().unasked.announcements.then_leave = True
        if at_once and not self._present().leaving:
            self._leave()

    def _note(self, what: str) -> None:
        """Write to the log what is done, without the words."""
        log.info("- call %s: %s", self._minutes.record.id, what)
