"""Announced: the announcement that was begun last, and what is left of it when it is cut off."""

from dataclasses import dataclass, replace

from server.call.mind.announcements import Announcement
from server.call.mouth.keystrokes import Keystrokes, keys_in
from server.call.mouth.mouth import SpokenReply
from server.call.mouth.source import Line

OCCASION = "The agent was told to say this."


@dataclass(frozen=True, slots=True)
class Announced:
    """An announcement, and the source of the reply that says it."""

    source: Line | Keystrokes
    announcement: Announcement

    @classmethod
    def of(cls, announcement: Announcement) -> "Announced":
        if announcement.keys:
            return cls(Keystrokes(announcement.text), announcement)
        return cls(Line(announcement.text, OCCASION, announcement.interruptible), announcement)

    def rest(self, spoken: SpokenReply) -> Announcement:
        """What the caller has not heard of it, in whole clauses, or the keys that are left."""
        heard, unheard = spoken.reply.speech.heard, spoken.reply.unheard
        rest = keys_in(unheard) if self.announcement.keys else unheard
        return replace(self.announcement, text=rest) if heard and rest else self.announcement
