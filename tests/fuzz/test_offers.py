"""Offers that no real client sends. `make fuzz` posts many more of them."""

import asyncio

from bench.resilience.offers import post


async def test_no_offer_does_harm() -> None:
    """Every offer is either answered or refused. None makes the server fail, and none leaves a task behind."""
    before = len(asyncio.all_tasks())
    found = await post(800, seed=7)
    assert found.faults == []
    assert found.offers == 800
    assert {200, 400, 406, 413} == set(found.told)
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110  # aiortc's tasks end after they are cancelled
            await asyncio.sleep(0.01)
