"""The bench of capacity: what a row tells, and that its crowd and its plain server talk."""

import asyncio
import time

import aiohttp
from aiohttp.test_utils import TestServer

from bench import plain_aiortc
from bench.capacity import Row, painful, report, row, slope
from bench.crowd import cycle, gather, talk
from bench.crowd import judged as judged_crowd
from bench.processes import Usage
from tests.loopback import keep_to_loopback


def measured(calls: int, cpu: float = 10.0, gap_p95: float | None = 300.0, caller_late: float = 1.0) -> Row:
    found: dict[str, list[float | None]] = {
        "gaps_ms": [None, gap_p95, gap_p95],
        "lateness_ms": [float(ms) for ms in range(101)],
        "caller_late_ms": [caller_late],
    }
    return row("antiphon", "brisk", calls, [cpu, 0.0], Usage(1, 100, 4), Usage(9, 100 + 2 * calls, 4 + calls), found)


def test_a_row_is_what_one_call_costs_and_hears() -> None:
    """Memory and threads are above those of the empty server; an unanswered question is counted and has no gap."""
    found = measured(5)
    assert (found.memory_mb, found.threads, found.unanswered) == (2, 1, 1)
    assert (found.late_p50, found.late_p99, found.gap_p95) == (50, 99, 300)


def test_late_callers_measure_nothing() -> None:
    """What they find does not count."""
    assert measured(5).valid
    assert not measured(5, caller_late=6.0).valid
    summary = report([measured(1), measured(5, cpu=99, gap_p95=900, caller_late=6), measured(9)])
    assert summary == {"antiphon, brisk": {"cpu_slope": 10.0, "calls_at_pain": None}}


def test_the_slope_leaves_out_what_an_empty_server_costs() -> None:
    assert slope([measured(calls, cpu=7 + 20 / calls) for calls in (1, 5, 10)]) == 7
    assert slope([measured(1)]) is None
    assert slope([]) is None


def test_the_count_that_hurts_lies_between_two_that_were_measured() -> None:
    """Or is the first of all; if none hurts, it is not known."""
    assert painful([measured(10), measured(20, gap_p95=700)]) == 15
    assert painful([measured(1, gap_p95=501)]) == 1
    assert painful([measured(1), measured(40)]) is None


async def test_the_plain_server_answers_the_crowd() -> None:
    """Two callers ask it a question each, and hear a tone; both ends are this process."""
    keep_to_loopback()
    async with TestServer(plain_aiortc.application(), host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        made = talk(cycle("Hello?", 1.0), 0.2, 1.0)
        crowd = await gather(str(server.make_url("/")), [made, made], http)
        begun_s = time.perf_counter()
        async with asyncio.timeout(60):
            for microphone in crowd.microphones:
                await microphone.finished.wait()
        await asyncio.gather(*(pc.close() for pc in crowd.pcs))
    found = judged_crowd(crowd, begun_s - 1, time.perf_counter() + 1)
    assert len(found["gaps_ms"]) == 2
    assert None not in found["gaps_ms"]
