"""Preparation: the answer is made in the pause, before it is known that the caller is done.

In a pause the words are settled, the agent runs, and the first clause is spoken, all of it unheard. If the caller goes
on, the answer is dropped and leaves no trace. If the floor commits, the answer is there. Requests to the model may be
in vain, so there are limits for each utterance.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from itertools import takewhile

from server.call.host import Start
from server.call.mind.utterance import Utterance
from server.call.mouth.reply import Reply
from server.errors import EngineError

MAX_ATTEMPTS = 3
"""How many answers may be prepared for one utterance."""
MAX_SPEECH_MS = 10_000
"""After this much speech no answer is prepared: the caller tells a story, and a pause in it is rarely its end."""
BEFORE_S = 5.0
"""How long an utterance waits for the words of the ones before it. The caller waits meanwhile, too."""

log = logging.getLogger(__name__)


class Preparation:
    """Settles the words of utterances, and begins their answers.

    `make` begins the answer to an utterance whose words are settled, and `stop` ends one. `on_settled` is told when the
    words are known (there may be none), `on_failed` when they never will be.
    """

    def __init__(
        self,
        start: Start,
        make: Callable[[Utterance], Reply],
        stop: Callable[[Reply], None],
        on_settled: Callable[[Utterance], None],
        on_failed: Callable[[Utterance, EngineError], None],
    ) -> None:
        self._start = start
        self._make = make
        self._stop = stop
        self._on_settled = on_settled
        self._on_failed = on_failed
        self._before: list[asyncio.Task[None]] = []
        """Tasks that still ask for the words of earlier utterances, which the caller has gone on from. Oldest first."""

    def pause(self, utterance: Utterance, voiced_ms: float) -> None:
        """The caller pauses, perhaps at the end: prepare the answer, unless that was done or is not worth it."""
        if utterance.stopwatch.attempts >= MAX_ATTEMPTS or voiced_ms > MAX_SPEECH_MS or utterance.prepared is not None:
            return
        if not utterance.settled:
            self._begin(utterance, answer=True)
        elif utterance.text:
            self._answer(utterance)

    def ask(self, utterance: Utterance) -> None:
        """Settle the words and make no answer: the words are needed to judge the utterance."""
        self._begin(utterance, answer=False)

    def finish(self, utterance: Utterance) -> None:
        """The caller is done: make the answer now, whatever the limits say."""
        if not utterance.settled:
            self._begin(utterance, answer=True)
        elif utterance.text:
            self._answer(utterance)
        else:
            self._on_settled(utterance)

    def overtake(self, utterance: Utterance) -> None:
        """The caller has gone on: this utterance gets no answer of its own, and later ones wait for its words."""
        self._before = [task for task in self._before if not task.done()]
        if utterance.settling is not None:
            self._before.append(utterance.settling)

    def cancel(self, utterance: Utterance) -> None:
        """Cancel all that was prepared, because the caller goes on or the utterance is not wanted any more."""
        if utterance.settling is not None:
            utterance.settling.cancel()
            utterance.settling = None
        if utterance.prepared is not None:
            self._stop(utterance.prepared)
            utterance.prepared = None
        utterance.settled = False

    def _begin(self, utterance: Utterance, answer: bool) -> None:
        if utterance.settling is None and not utterance.settled:
            settle = utterance.stopwatch.trace.within(partial(self._settle, utterance, answer))
            utterance.settling = self._start(settle, f"settle-{utterance.number}")

    async def _settle(self, utterance: Utterance, answer: bool) -> None:
        try:
            text = await utterance.words()
            before = list(takewhile(lambda task: task is not utterance.settling, self._before))
            if not all(task.done() for task in before):
                await asyncio.wait(before, timeout=BEFORE_S)
        except EngineError as failure:
            utterance.settling = None
            self._on_failed(utterance, failure)
            return
        except Exception:  # the utterance ends here: nobody else knows that its words will not come
            log.exception("x fault in speech-to-text")
            utterance.settling = None
            self._on_failed(utterance, EngineError("server", "Something went wrong in the server."))
            return
        overtaken, utterance.settling = utterance.settling in self._before, None
        utterance.text, utterance.settled = text, True
        utterance.stopwatch.mark("transcript")
        if answer and text and not overtaken:
            self._answer(utterance)
        self._on_settled(utterance)

    def _answer(self, utterance: Utterance) -> None:
        utterance.stopwatch.attempts += 1
        utterance.prepared = self._make(utterance)
