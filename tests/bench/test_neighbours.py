"""The bench of bad neighbours: what its parts tell, and that the neighbours are calls."""

import asyncio
from collections import Counter

import aiohttp
import pytest

from bench import bad_neighbours, neighbours
from tests.exchange import Exchange, exchange


def a_part(beside: bool, *gaps_ms: float | None, caller_late: float = 1.0) -> neighbours.Part:
    found: dict[str, list[float | None]] = {
        "gaps_ms": list(gaps_ms),
        "lateness_ms": [0.0, 1.0],
        "caller_late_ms": [caller_late],
    }
    return neighbours.part(beside, found, cpu=12.34)


def test_parts_are_summed_up_by_who_else_was_there() -> None:
    """A gap that is more than a tenth longer is not unchanged; an unanswered question has none, and is counted."""
    alone, beside = a_part(False, 300, None, 300), a_part(True, 329)
    assert (alone.unanswered, alone.cpu, alone.late_p99) == (1, 12.3, 0.99)
    summary = neighbours.summary([alone, beside])
    assert (summary["ratio"], summary["unchanged"]) == (1.097, True)
    assert summary["alone"] == {"count": 2, "p50": 300.0, "p95": 300.0}
    assert neighbours.summary([alone, beside, a_part(True, 330)])["unchanged"] is True
    assert neighbours.summary([alone, a_part(True, 331)])["unchanged"] is False


def test_a_part_with_late_callers_says_nothing() -> None:
    """Nor does a summary without the other half."""
    late = a_part(True, 900, caller_late=6)
    assert neighbours.summary([a_part(False, 300), a_part(True, 300), late])["unchanged"] is True
    assert neighbours.summary([a_part(False, 300), late]) == {"ratio": None, "unchanged": None}


def answered(running: Exchange) -> bool:
    return any(record.exchanges for record in running.notebook.records.values())


async def test_bad_neighbours_are_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not read is answered all the same, and one that floods is heard no faster than it may be."""
    monkeypatch.setattr(bad_neighbours, "ASK_EVERY_S", 1.0)
    counts = Counter[str]()
    async with asyncio.timeout(30), exchange(limit=2) as running, aiohttp.ClientSession() as http:
        url = f"{running.home}/api/voice/conversation/new"
        tasks = [
            asyncio.create_task(bad_neighbours.never_read(url, counts)),
            asyncio.create_task(bad_neighbours.flood(url, counts, http)),
        ]
        while running.directory.opened < 2 or not answered(running):  # noqa: ASYNC110  # sockets have no event for it
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (counts["readers begun"], counts["writers begun"]) == (1, 1)
    assert counts["flood bytes"] > 0
