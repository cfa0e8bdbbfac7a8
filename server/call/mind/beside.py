"""Beside: what the client asks the model beside the talk. The caller hears nothing of it, and no history gets it."""

import asyncio
from collections.abc import Callable

from server.agent.run import AgentRun
from server.call.agent_messages import Answered, Ask
from server.call.host import Host
from server.errors import EngineError, TooMany

MOST = 4
"""How many questions may be open at once."""
LIMIT_S = 60.0
"""How long an answer may take. Tools that wait for the floor to commit wait here for this long, and do nothing."""
MAX_ANSWER_CHARS = 32_000
"""How much of an answer the client is told."""


class Beside:
    """The open questions of one call."""

    def __init__(self, host: Host, make: Callable[[Ask], AgentRun]) -> None:
        """`make` begins the run of the agent that answers."""
        self._host = host
        self._make = make
        self._open = 0

    def ask(self, question: Ask) -> None:
        """Raises TooMany when too many questions are open."""
        if self._open >= MOST:
            raise TooMany(f"At most {MOST} questions beside the talk may be open at once.", 1)
        self._open += 1
        self._host.start(lambda: self._answer(question), f"beside-{question.id}")

    async def _answer(self, question: Ask) -> None:
        pieces: list[str] = []
        failure = ""
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._make(question).speak(pieces.append, asyncio.Event())
        except EngineError as error:
            failure = str(error)
        except TimeoutError:
            failure = "The answer took too long."
        finally:
            self._open -= 1
        text = failure or "".join(pieces)[:MAX_ANSWER_CHARS]
        self._host.send(Answered(id=question.id, text=text, ok=not failure))
