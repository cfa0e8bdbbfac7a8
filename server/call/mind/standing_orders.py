"""StandingOrders: what operators and tools have told the agent of one call, from the record and for the record."""

from server.call.mind.announcements import Announcements
from server.call.mind.instructions import Instructions
from server.record.orders import Orders


class StandingOrders:
    """The orders of one call, as long as they hold."""

    def __init__(self, kept: Orders, announcements: Announcements, instructions: Instructions) -> None:
        """Goes on with what is `kept` in the record: the lines wait again, and the instructions hold again."""
        self.announcements = announcements
        self.instructions = instructions
        self.muted = kept.muted
        """The agent does not hear the caller. Typed words, keys and the recording are not touched."""
        announcements.restore(kept.lines)
        announcements.then_leave = kept.then_leave
        instructions.restore(kept.instructions)

    @property
    def recorded(self) -> Orders:
        """What the record keeps of them."""
        lines, then_leave = self.announcements.waiting, self.announcements.then_leave
        return Orders(lines, then_leave, self.instructions.texts, self.muted)
