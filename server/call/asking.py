"""Asking: what the agent says because a tool asks the caller for keys, and when it is silent for them."""

from typing import Protocol

from server.agent.call_control import When
from server.call import events
from server.call.delivery import Delivery
from server.call.floor import State
from server.call.mind.announcements import Announcement, Announcements
from server.call.mind.owed import Owed
from server.call.mind.utterances import Utterances
from server.call.mouth.source import Line


class Announcer(Protocol):
    """Says the lines that wait."""

    announcements: Announcements

    @property
    def announced(self) -> Announcement | None:
        """The one that is being said."""

    def give_up(self) -> None:
        """Say no more of it later."""


class Talk(Protocol):
    """The dialogue in which the lines are said."""

    @property
    def state(self) -> State: ...

    def tell_floor(self, event: events.Event) -> None: ...


class Asking:
    """The prompts of one dialogue."""

    def __init__(
        self, announcer: Announcer, talk: Talk, owed: Owed, utterances: Utterances, delivery: Delivery
    ) -> None:
        self._announcer = announcer
        self._talk = talk
        self._owed = owed
        self._utterances = utterances
        self._delivery = delivery

    def ask(self, prompt: str, answering: bool) -> None:
        """Say `prompt`: in place of the rest of the answer that waits for the tool, if one is `answering` so, or else
        after the present one. Raises PeerError and TooMany as `Announcements.add`."""
        current = self._delivery.current
        waits_for_tool = answering and (current is None or current.reply.source.tool_running)
        when: When = "now" if waits_for_tool else "next"
        self._announcer.announcements.add(Announcement(prompt, when, asks=True))

    @property
    def open(self) -> bool:
        """The caller has not heard the whole prompt."""
        return self._announcer.announcements.asking or self._asks_now

    def stop(self, begun: bool = False) -> None:
        """Say no more of the prompt. `begun`: the caller keys something in, so that nothing else is said meanwhile.

        What the caller says over it goes on. Of a reply that a tool works for, the outcome is told later.
        """
        self._announcer.announcements.withdraw_asking()
        rest, answers = self._owed.rest, begun and self._delivery.has_words_at_tools
        if self._asks_now or answers or (begun and self._may_stop):
            over = self._utterances.present if self._talk.state is State.OVERLAP else None
            self._announcer.give_up()
            self._talk.tell_floor(events.Interruption(over.number) if over else events.Stopped())
            self._owed.owe_rest(rest)
        if answers:
            self._owed.owe_outcome()

    @property
    def _asks_now(self) -> bool:
        announced = self._announcer.announced
        return announced is not None and announced.asks

    @property
    def _may_stop(self) -> bool:
        """The agent says a line that means nothing for the call."""
        line = self._delivery.current and self._delivery.current.reply.source
        return isinstance(line, Line) and line.interruptible and not (line.hang_up or line.passes_on)
