"""Asks the replicas, and turns what goes wrong on the way into our errors."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException

from server.cluster.speech.asked import Busy, Failed
from server.cluster.speech.held import RETRY_AFTER_S
from server.errors import AtCapacity, EngineError

T = TypeVar("T")


async def answer(response: Awaitable[T | Failed | Busy], stage: str, limit_s: float) -> T:
    """What a replica answers. Raises AtCapacity when it has too much to do, and EngineError when it fails."""
    async with _told(stage, limit_s):
        found = await response
    if isinstance(found, Failed):
        raise EngineError(stage, str(found))
    if isinstance(found, Busy):
        raise AtCapacity(str(found), RETRY_AFTER_S)
    return found


async def answers(response: Any, stage: str, limit_s: float) -> AsyncGenerator[bytes, None]:
    """The pieces that a replica gives one by one; `limit_s` is for each. Errors are those of `answer`.

    A client that leaves ends the work of the replica.
    """
    pieces = aiter(response)
    try:
        while True:
            async with _told(stage, limit_s):
                piece = await anext(pieces, None)
            if piece is None:
                return
            if isinstance(piece, Failed):
                raise EngineError(stage, str(piece))
            yield piece
    finally:
        response.cancel()


@asynccontextmanager
async def _told(stage: str, limit_s: float) -> AsyncGenerator[None, None]:
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError as exc:
        raise AtCapacity(f"The {stage} model did not answer in time.", RETRY_AFTER_S) from exc
    except BackPressureError as exc:
        raise AtCapacity(f"Too many requests wait for the {stage} model.", RETRY_AFTER_S) from exc
    except (RayError, RayServeException) as exc:
        raise EngineError(stage, f"The {stage} model failed.") from exc
