"""Delivery: the reply on its way to the caller's ear.

A reply is begun, shown to the client, cut off or heard to its end, and written down.
"""

import asyncio
import logging
from typing import Protocol

from server.agent.returned import Returned
from server.call import events, messages
from server.call.agent_messages import Clause, Note
from server.call.host import Host
from server.call.mind.answers import Answers
from server.call.mind.exchange_writer import ExchangeWriter
from server.call.mind.owed import Debt, Happening, Owed, Rest
from server.call.mouth.keystrokes import Keystrokes
from server.call.mouth.mouth import Asked, Mouth, SpokenReply
from server.call.mouth.reply import Reply
from server.call.mouth.source import Line, Prompt
from server.call.mouth.stopwatch import Stopwatch
from server.call.mouth.waiting import Waiting
from server.call.setup import CallSetup
from server.errors import EngineError
from server.speech.clauses import ends_whole

NOT_PASSED_ON = (
    "The caller cut in on your last answer, so the call was not passed on. Call the tool again if the caller still "
    "wants it."
)

log = logging.getLogger(__name__)


class Conductor(Protocol):
    """What a delivery reports to."""

    @property
    def lines_wait(self) -> bool:
        """There is more to be said before the call may end."""

    def tell_floor(self, event: events.Event) -> None:
        """The floor has to know this."""

    def on_missed(self, spoken: SpokenReply) -> None:
        """The connection is gone, and the caller did not hear the end of a reply that was over."""

    def on_over(self, spoken: SpokenReply, failure: EngineError | None) -> None:
        """The caller has heard the reply to its end, or it failed. The call goes on."""


class Delivery:
    """The replies that the floor has committed to, one after the other."""

    def __init__(
        self, conductor: Conductor, host: Host, setup: CallSetup, answers: Answers, writer: ExchangeWriter, owed: Owed
    ) -> None:
        self._conductor = conductor
        self._host = host
        self._trace = setup.trace
        self._answers = answers
        self.writer = writer
        answers.on_sound = self.hurry
        answers.on_late_result = writer.add_result
        answers.background.on_return = self._on_returned
        self._returned: list[Returned] = []
        """What has returned from the background during the current reply. The history gets it after that reply, because
        it tells first what came first."""
        self._notes: list[Note] = []
        """What the client has noted during the current reply, likewise. Their number is limited by the inbox."""
        self._owed = owed
        self._now = asyncio.get_running_loop().time
        self.newest_heard = 0
        """The number of the newest reply that the caller has heard something of."""
        self.mouth = Mouth(self._on_started, self._on_answering, self._on_caption, self._on_ended, self._now)
        self._waiting = Waiting(setup.settings.waiting)

    @property
    def current(self) -> SpokenReply | None:
        return self.mouth.current

    @property
    def speaking(self) -> int | None:
        """The number of the current reply."""
        return None if self.current is None else self.current.number

    @property
    def working(self) -> bool:
        """The current reply is still being made."""
        return self.current is not None and not self.current.reply.speech.finished

    @property
    def interruptible(self) -> bool:
        """The caller may interrupt the current reply. True when there is none."""
        return self.current is None or self.current.reply.interruptible

    @property
    def has_words(self) -> bool:
        """The current reply has something to say now, and does not just wait for its tools."""
        reply = self.current.reply if self.current is not None else None
        return reply is not None and (reply.speech.ready or not reply.waits)

    @property
    def has_words_at_tools(self) -> bool:
        """It has, and a tool runs for it."""
        return self.has_words and self.current is not None and self.current.reply.source.tool_running

    @property
    def awaited(self) -> bool:
        """A tool runs in the background, so that a caller who waits for its result has reason to be silent."""
        return self._answers.background.running

    @property
    def untold(self) -> bool:
        """A tool has returned from the background, and the caller has not been told of its result."""
        return bool(self._returned) or self._owed.owes(Debt.RESULT)

    def frame_ahead(self) -> bytes | None:
        """One more frame of the current reply, before its time. None when there is none. No time passes by it."""
        return None if self.current is None else self.mouth.next_frame()

    def next_frame(self, may_fill: bool) -> bytes | None:
        """The next 20 ms for the caller, or None in silence. If they wait for long, the agent says so, where it
        `may_fill` the silence."""
        frame = self.mouth.next_frame()
        spoken, language = self.current, self._answers.language
        silent = frame is None and may_fill and spoken is not None and spoken.reply.waits
        if not self._waiting.tick(silent) or spoken is None:
            return frame
        if line := self._waiting.choose(language.waiting(spoken.reply.source.running)):
            spoken.reply.fill(line.text, language.of_waiting(line))
        return frame

    def wait_in_silence(self) -> None:
        """It is the caller's turn, although an answer is being made: the caller is not told to wait."""
        self._waiting.restart()

    @property
    def outcome_owed(self) -> bool:
        """The agent will tell what has come of its tools, when they have returned."""
        return self._owed.owes(Debt.OUTCOME)

    # A reply begins

    def say(self, number: int, what: Line | Keystrokes | Prompt) -> None:
        """Begin reply number `number`, for which nobody has asked: a line, keys, or what the model answers to a
        prompt."""
        stopwatch = Stopwatch(self._now, self._trace.begin(None, spoken=False))
        if not isinstance(what, Prompt):
            self._speak(SpokenReply(number, self._answers.line(what, stopwatch), stopwatch))
            return
        reply = self._answers.begin(what.text, stopwatch, what.instructions)
        if what.first:
            reply.fill(what.first, self._answers.language.of_line(what.first))
        self.answer(number, reply, stopwatch)

    def answer(self, number: int, reply: Reply, stopwatch: Stopwatch, asked: Asked | None = None) -> None:
        """Begin reply number `number`, which answers what was `asked`.

        A reply that cannot be interrupted is the agent's goodbye in place of an answer: then the call ends with it.
        """
        if not reply.interruptible:
            self._owed.owe_goodbye()
        self._speak(SpokenReply(number, reply, stopwatch, asked))

    def _speak(self, spoken: SpokenReply) -> None:
        self._waiting.begin()
        spoken.stopwatch.trace.answer(spoken.number)
        spoken.reply.committed.set()
        self.mouth.speak(spoken)
        self.hurry(spoken.reply)

    def hurry(self, reply: Reply) -> None:
        """Begin `reply` now and not at the next tick, if it is the current one and its first sound is there."""
        if self.current is not None and self.current.reply is reply and reply.speech.ready and not reply.speech.begun:
            self._host.hurry()

    # A reply is cut off

    def lose(self, unheard_ms: float) -> None:
        """Put back what left in the last `unheard_ms`: the connection is gone, so the caller did not hear it."""
        unheard_ms = self.mouth.unheard_ms(unheard_ms)
        ended = self.mouth.take_back(unheard_ms)
        if ended is not None:
            self.writer.amend(ended, unheard_ms)
            self._conductor.on_missed(ended)

    def cancel(self, number: int) -> bool:
        """End reply number `number` for good. What the caller heard of it is history; the rest may be owed.

        Returns whether it was an answer that had been heard in part, and had not failed.
        """
        spoken = self.current
        if spoken is None or spoken.number != number:
            return False
        reply, asked = spoken.reply, spoken.asked
        self.mouth.take_back(self.mouth.unheard_ms(self._host.unheard_ms))
        self.mouth.stop()
        self._host.send(messages.Interrupted(reply=number))
        self._answers.stop(reply)
        self._close(spoken, partly=True, interrupted=True)
        if asked is not None and not reply.speech.heard and not reply.source.tools:
            self._owed.owe_answer(asked.utterance, asked.prompt)
        else:
            text, source = reply.unheard if reply.complete else "", reply.source
            self._owed.owe_rest(Rest(text, source.hang_up, source.known, source.passes_on))
        if reply.source.passes_on:
            self._answers.not_passed_on = NOT_PASSED_ON
        return asked is not None and bool(reply.speech.heard) and reply.failure is None

    # A reply is written down, and what has returned from the background

    def _close(
        self, spoken: SpokenReply, partly: bool, interrupted: bool = False, failure: EngineError | None = None
    ) -> None:
        self.writer.close(spoken, partly, interrupted, failure)
        spoken.stopwatch.trace.end("interrupted" if interrupted else "failed" if partly else "heard")
        news = self._answers.news
        if spoken.reply.speech.heard:
            news.tell(spoken.reply.source.known)
        if not news.untold:
            self._owed.settle(Happening.TOLD)
        returned, self._returned = self._returned, []
        for each in returned:
            self._on_returned(each)
        notes, self._notes = self._notes, []
        for note in notes:
            self.writer.add_said(note)

    def note(self, note: Note) -> None:
        """Put what the client says into the history: after the current reply, if there is one."""
        if self.current is None:
            self.writer.add_said(note)
        else:
            self._notes.append(note)

    def _on_returned(self, returned: Returned) -> None:
        if self.current is not None:
            self._returned.append(returned)
            return
        self.writer.add_returned(returned)
        self._answers.news.add(returned.call.tool_name)
        self._owed.owe_result()

    # A reply is heard

    def _on_started(self, spoken: SpokenReply) -> None:
        self.newest_heard = spoken.number
        self._show_clauses(spoken)
        self._conductor.tell_floor(events.SoundStarted(spoken.number))

    def _on_answering(self, spoken: SpokenReply) -> None:
        spoken.stopwatch.mark("first_packet")
        if spoken.asked is not None:
            metrics = spoken.stopwatch.metrics(spoken.number)
            self._host.send(metrics)
            log.info("> call %s answers: %s", self._host.id, metrics.in_words())

    def _show_clauses(self, spoken: SpokenReply) -> None:
        """Tell the client what the agent is going to say, as far as it is known by now."""
        for text in spoken.reply.speech.announce():
            self._host.send(Clause(reply=spoken.number, text=text))

    def _on_caption(self, spoken: SpokenReply, heard: str) -> None:
        self._show_clauses(spoken)
        self._host.send(
            messages.Response(reply=spoken.number, text=heard, final=False, tools=spoken.reply.source.tools)
        )

    def _on_ended(self, spoken: SpokenReply) -> None:
        self.mouth.stop()
        self._show_clauses(spoken)
        self._answers.not_passed_on = ""
        reply = spoken.reply
        failure = reply.failure
        if failure is None and not reply.written:
            failure = EngineError("model", "The agent had nothing to say.")
        if failure is None and reply.source.cut_off and not ends_whole(reply.speech.heard):
            failure = EngineError("model", "The model's answer was cut off.")
        self._close(spoken, partly=failure is not None or reply.source.cut_off, failure=failure)
        self._conductor.tell_floor(events.ReplyEnded(spoken.number))
        said = failure is None and reply.speech.begun
        if self._owed.owes(Debt.GOODBYE) or (reply.source.hang_up and said and not self._conductor.lines_wait):
            self._host.end()
        else:
            self._conductor.on_over(spoken, failure)

    @property
    def hanging_up(self) -> bool:
        """The call ends when the caller has heard the current reply, because one of its tools has asked for that."""
        return self.current is not None and self.current.reply.source.hang_up
