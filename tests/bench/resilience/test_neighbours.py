"""The bench of bad neighbours: what its periods tell, and that the bad clients really make calls."""

import asyncio
from collections import Counter

import aiohttp
import pytest

from bench.resilience import bad_neighbours, neighbours
from tests.exchange import Exchange, exchange


def a_period(beside: bool, *gaps_ms: float | None, caller_late: float = 1.0) -> neighbours.Period:
    found: dict[str, list[float | None]] = {
        "gaps_ms": list(gaps_ms),
        "lateness_ms": [0.0, 1.0],
        "caller_late_ms": [caller_late],
    }
    return neighbours.period(beside, found, cpu=12.34)


def test_periods_alone_and_beside_bad_clients_are_compared() -> None:
    """A gap that is more than a tenth longer is a change. An unanswered question is counted, and has no gap."""
    alone, beside = a_period(False, 300, None, 300), a_period(True, 329)
    assert (alone.unanswered, alone.cpu, alone.late_p99) == (1, 12.3, 0.99)
    summary = neighbours.summary([alone, beside])
    assert (summary["ratio"], summary["unchanged"]) == (1.097, True)
    assert summary["alone"] == {"count": 2, "p50": 300.0, "p95": 300.0}
    assert neighbours.summary([alone, beside, a_period(True, 330)])["unchanged"] is True
    assert neighbours.summary([alone, a_period(True, 331)])["unchanged"] is False


def test_a_period_with_late_callers_does_not_count() -> None:
    """The summary leaves such a period out. Without a valid period on both sides it is unknown."""
    late = a_period(True, 900, caller_late=6)
    assert neighbours.summary([a_period(False, 300), a_period(True, 300), late])["unchanged"] is True
    assert neighbours.summary([a_period(False, 300), late]) == {"ratio": None, "unchanged": None}


def answered(running: Exchange) -> bool:
    return any(record.exchanges for record in running.notebook.records.values())


async def test_bad_clients_make_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that never reads is answered, and a client that floods has a call."""
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
