"""Words while somebody speaks, asked for by HTTP requests."""

import asyncio
from collections.abc import Callable

from server.errors import EngineError
from server.media.frame import HEARD_RATE
from server.speech.http_drafts import Drafts

SECOND = 2 * HEARD_RATE


class Server:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[str]] = []
        self.told: list[str] = []
        self.drafts = Drafts(self.ask, self.told.append)

    async def ask(self) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        return await answer

    async def answer(self, do: Callable[[asyncio.Future[str]], None]) -> None:
        await asyncio.sleep(0)
        do(self.asked[-1])
        for _ in range(3):
            await asyncio.sleep(0)

    async def say(self, text: str) -> None:
        await self.answer(lambda asked: asked.set_result(text))


async def test_words_on_which_two_drafts_agree_are_told() -> None:
    """The newest words often change. Case and punctuation at the end of a draft do not matter."""
    server = Server()
    for number, text in enumerate(("I would.", "I would like too", "I would like to go", "I would like to go."), 1):
        server.drafts.heard(number * SECOND)
        await server.say(text)
    assert server.told == ["I would", "I would like", "I would like to go."]


async def test_one_request_at_a_time() -> None:
    """While the server is busy, nothing more is asked; then there has to be enough new sound."""
    server = Server()
    server.drafts.heard(SECOND)
    server.drafts.heard(3 * SECOND)
    await server.say("one")
    assert len(server.asked) == 1
    server.drafts.heard(SECOND + SECOND // 4)
    await asyncio.sleep(0)
    assert len(server.asked) == 1
    server.drafts.heard(2 * SECOND)
    await asyncio.sleep(0)
    assert len(server.asked) == 2
    await server.drafts.close()
    assert server.asked[-1].cancelled()


async def test_a_server_that_is_busy_is_asked_again() -> None:
    """A draft that is refused is no failure: the next one may be made."""
    server = Server()
    server.drafts.heard(SECOND)
    await server.answer(lambda asked: asked.set_exception(EngineError("speech-to-text", "busy")))
    server.drafts.heard(2 * SECOND)
    await server.say("one")
    server.drafts.heard(3 * SECOND)
    await server.say("one two")
    assert server.told == ["one"]


async def test_a_draft_that_is_stopped_says_nothing() -> None:
    """Its words would come after the final ones. An utterance that begins anew has words of its own."""
    server = Server()
    server.drafts.heard(SECOND)
    await asyncio.sleep(0)
    server.drafts.stop()
    server.drafts.stop()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    server.drafts.heard(SECOND // 2)
    await server.say("new")
    server.drafts.heard(2 * SECOND)
    await server.say("new words")
    assert server.told == ["new"]
