"""Streams of OpenAI's chat API in which each call of a tool has a number of its own.

Some compatible servers give the number 0 to all calls that a model makes at the same time. pydantic-ai goes by the
number, as the API says, and joins their names and arguments into one call of a tool that does not exist.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from pydantic_ai.models import Model


def number_calls(model: Model) -> Model:
    """Have a model of OpenAI's chat API give numbers to the calls in its streams; returns the model.

    A stream with right numbers, and a model of another API, stay as they are. Calling this twice does no harm.
    """
    from pydantic_ai.models.openai import OpenAIChatModel  # not at the top: it loads slowly

    if isinstance(model, OpenAIChatModel):
        completions: Any = model.client.chat.completions
        create: Callable[..., Awaitable[Any]] = completions.create

        async def create_numbered(**body: Any) -> Any:
            made = await create(**body)
            return NumberedStream(made) if body.get("stream") is True else made

        completions.create = create_numbered
    return model


class NumberedStream:
    """A stream of chunks with the calls numbered. In everything else it is the stream of OpenAI's client."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._chunks = self._numbered()

    async def __aenter__(self) -> "NumberedStream":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stream.close()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._chunks

    async def __anext__(self) -> Any:
        return await anext(self._chunks)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def _numbered(self) -> AsyncIterator[Any]:
        numbers = CallNumbers()
        async for chunk in self._stream:
            for choice in chunk.choices or ():
                for call in (choice.delta and choice.delta.tool_calls) or ():
                    begins = bool(call.function and call.function.name)
                    call.index = numbers.number(call.index, call.id, begins)
            yield chunk


class CallNumbers:
    """The numbers of the calls in one answer."""

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        """The number of the newest call for which the server has used this one."""
        self._ids: dict[int, str | None] = {}
        """By our number."""

    def number(self, theirs: int, call_id: str | None, begins: bool) -> int:
        """The number of the call that a piece belongs to, which may begin a call: then it has a name.

        Another call than before begins with another id. An id in later pieces means nothing: some servers change it.
        """
        ours = self._newest.get(theirs)
        if ours is None or (begins and call_id and call_id != self._ids[ours]):
            ours = theirs if theirs not in self._ids else max(self._ids) + 1
            self._newest[theirs], self._ids[ours] = ours, call_id
        return ours
