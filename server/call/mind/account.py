"""Account: of each exchange, what the person heard and no more, in the history and for the record."""

from collections.abc import Callable
from dataclasses import replace

from server.call import messages
from server.call.host import Exchanged, Host
from server.call.mind.history import History
from server.call.mouth.mouth import Spoken


class Account:
    """Of one call."""

    def __init__(self, host: Host, history: History, unsaid: str, now: Callable[[], float]) -> None:
        """`unsaid` is owed to the caller from before."""
        self.unsaid = unsaid
        """What the agent has said in vain, or was about to say, when the connection or the server went."""
        self._host = host
        self._history = history
        self._now = now
        self._last: Exchanged | None = None
        """The last exchange that was written down."""

    def close(self, spoken: Spoken, partly: bool, interrupted: bool = False) -> None:
        """The answer is over, heard only `partly` or to its end: write it down, and tell the client."""
        heard, source = spoken.reply.speech.heard, spoken.reply.source
        if heard or source.tools:
            kept = source.messages()
            kept = self._history.add_interrupted(kept, heard) if partly else self._history.add(kept)
            self._last = Exchanged(spoken, heard, interrupted, kept, self._now())
            self._host.exchanged(self._last)
        self._host.send(
            messages.Response(reply=spoken.number, text=heard, final=True, interrupted=interrupted, tools=source.tools)
        )

    def amend(self, spoken: Spoken, unheard_ms: float) -> None:
        """Of an answer that was closed the last `unheard_ms` were not heard; its speech knows that already."""
        last = self._last
        if last is None or last.spoken is not spoken:
            return
        heard = spoken.reply.speech.heard
        kept, ended_s = self._history.take_back(heard), self._now() - unheard_ms / 1000
        self._host.amended(replace(last, heard=heard, messages=kept, ended_s=ended_s))
        if not last.interrupted:
            self.unsaid = spoken.reply.speech.unheard

    def say_again(self) -> str:
        """What a person who is back has missed, once; or else what they were asked last."""
        unsaid, self.unsaid = self.unsaid, ""
        return unsaid or self._history.last_question
