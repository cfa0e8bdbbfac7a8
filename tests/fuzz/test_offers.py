"""Offers that nobody writes. `make fuzz` posts many more of them."""

import asyncio

from bench.offers import post


async def test_no_offer_does_harm() -> None:
    """Whatever comes is answered or refused, never a fault of ours; nothing of it is left."""
    before = len(asyncio.all_tasks())
    found = await post(800, seed=7)
    assert found.faults == []
    assert found.offers == 800
    assert {200, 400, 406, 413} == set(found.told)
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110  # aiortc's end by themselves, when they are cancelled
            await asyncio.sleep(0.01)
