"""The bench of long calls: it sees how long steps take, and makes answers as the server does."""

import asyncio
import time

import pytest
from aiohttp.test_utils import TestServer

from bench.capacity import long_calls
from bench.provider import Delays, application


async def test_the_longest_step_is_seen() -> None:
    """A step of 30 ms is measured, and afterwards the event loop is as it was."""
    plain = asyncio.Handle._run
    with long_calls.steps() as found:
        asyncio.get_running_loop().call_soon(time.sleep, 0.03)
        await asyncio.sleep(0.05)
    assert max(found) >= 30
    assert asyncio.Handle._run is plain


async def test_each_client_is_asked_after_each_number_of_exchanges(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a row for each number of exchanges and each client, and each has a longest step."""
    monkeypatch.setattr(long_calls, "RUNS", 1)
    async with TestServer(application(Delays(), speech_s=0.1)) as provider:
        rows = await long_calls.compare(str(provider.make_url("")).rstrip("/"), [0, 3])
    assert [(row.client, row.exchanges) for row in rows] == [
        ("as it is", 0), ("spared", 0), ("as it is", 3), ("spared", 3),
    ]  # fmt: skip
    assert all(row.longest_step > 0 for row in rows)
