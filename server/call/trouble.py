"""Trouble: when an engine fails, the client reads it and the caller hears an apology.

When the agent fails to answer several times in a row, it gives up: no caller should have to hear apologies for ever.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from server.call import messages
from server.call.host import Host
from server.call.mind.language import LanguageOfCall
from server.call.mind.owed import Owed
from server.call.setup import CallSetup
from server.errors import EngineError, TooMany, origin

APOLOGY_DELAY_S = 1.0
"""Time between tries to say an apology. A worker that has died is back in about as long."""

log = logging.getLogger(__name__)


class Trouble:
    """The failures of one call."""

    def __init__(
        self,
        host: Host,
        setup: CallSetup,
        language: LanguageOfCall,
        owed: Owed,
        replying: Callable[[], bool],
        pay: Callable[[], None],
    ) -> None:
        """`replying` tells whether a reply is live; `pay` lets the agent say what it owes, if nobody speaks."""
        self._host = host
        self._language = language
        self._max_tries = setup.settings.apologies
        self._max_failed = setup.settings.failed_turns
        self._owed = owed
        self._replying = replying
        self._pay = pay
        self._tries = 0
        """How often something has failed for the same turn, since the caller heard the agent last."""
        self._failed = 0
        """How many turns in a row have failed. Apologies do not count, whether they were heard or not."""

    @property
    def hopeless(self) -> bool:
        """The agent has failed so often in a row that it should not ask the caller to say it again."""
        return 0 < self._max_failed <= self._failed

    def report(self, failure: EngineError, final: bool, turn: bool = False) -> None:
        """An engine has failed. The caller hears an apology, unless something else is being said or this is `final`.

        `turn`: the caller has said something, and this is why it gets no answer.
        """
        if turn:
            self._failed, self._tries = self._failed + 1, 0
        traceback = failure if log.isEnabledFor(logging.DEBUG) else None  # it has messages, which may quote the caller
        asked = f" (asked {failure.asked})" if failure.asked else ""
        log.warning(
            "x call %s: %s failed: %s %s%s", self._host.id, failure.stage, failure, origin(failure), asked,
            exc_info=traceback,
        )  # fmt: skip
        self._host.failed(failure)
        self._host.send(messages.Error(code=failure.code, message=failure.sentence))
        self._tries += 1
        if final or self._replying() or self._tries > self._max_tries:
            return
        delay_s = APOLOGY_DELAY_S if self._tries > 1 else 0.0
        self._host.start(partial(self._apologise, delay_s), "apologise")

    def left_out(self) -> None:
        """The caller has said so much without an answer that the agent is not asked the beginning of it again."""
        sentence = "That was too much to be answered together, and the beginning of it is left out."
        self._host.send(messages.Error(code=TooMany.code, message=sentence))

    def passed(self, turn: bool) -> None:
        """The caller has heard a reply, so the engines work again. `turn`: it was an answer to what the caller said."""
        self._tries = 0
        if turn:
            self._failed = 0

    def interrupted(self, answer: bool) -> None:
        """The caller has interrupted a reply. `answer`: it was an answer of which the caller has heard some words."""
        if answer:
            self.passed(turn=True)

    async def _apologise(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if self._replying():
            return  # the caller has said something meanwhile, and it is being answered
        if self._language.line("apology") or self.hopeless:
            self._owed.owe_apology()
        self._pay()
