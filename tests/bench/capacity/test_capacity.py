"""The bench of capacity: what a row tells, and that the crowd and the plain server can call each other."""

import asyncio
import time

import aiohttp
from aiohttp.test_utils import TestServer

from bench.caller.clients import Client, WebRtcClient
from bench.capacity import plain_aiortc
from bench.capacity.__main__ import report
from bench.capacity.crowd import gather, heard_between, question_and_listening, repeated
from bench.capacity.table import CapacityRow, ServerUsage, calls_at_pain, capacity_row, cpu_slope
from bench.common.processes import Usage
from tests.loopback import keep_to_loopback


def measured(calls: int, cpu: float = 10.0, gap_p95: float | None = 300.0, caller_late: float = 1.0) -> CapacityRow:
    found: dict[str, list[float | None]] = {
        "gaps_ms": [None, gap_p95, gap_p95],
        "lateness_ms": [float(ms) for ms in range(101)],
        "caller_late_ms": [caller_late],
    }
    used = ServerUsage(cpu, 0.0, empty=Usage(1, 100, 4), full=Usage(9, 100 + 2 * calls, 4 + calls))
    return capacity_row("antiphon", "brisk", calls, used, found)


def test_a_row_is_what_one_call_costs_and_hears() -> None:
    """Memory and threads are those above the empty server. An unanswered question is counted, and has no gap."""
    found = measured(5)
    assert (found.memory_mb, found.threads, found.unanswered) == (2, 1, 1)
    assert (found.late_p50, found.late_p99, found.gap_p95) == (50, 99, 300)


def test_late_callers_measure_nothing() -> None:
    """A row whose callers were late is not valid, and the summary leaves it out."""
    assert measured(5).valid
    assert not measured(5, caller_late=6.0).valid
    summary = report([measured(1), measured(5, cpu=99, gap_p95=900, caller_late=6), measured(9)])
    assert summary == {"antiphon, brisk": {"cpu_slope": 10.0, "calls_at_pain": None}}


def test_the_slope_leaves_out_what_an_empty_server_costs() -> None:
    """The slope is the cost of one more call, and is unknown for fewer than two numbers of calls."""
    assert cpu_slope([measured(calls, cpu=7 + 20 / calls) for calls in (1, 5, 10)]) == 7
    assert cpu_slope([measured(1)]) is None
    assert cpu_slope([]) is None


def test_the_number_of_calls_that_hurts_lies_between_two_that_were_measured() -> None:
    """If the smallest number already hurts, it is the answer. If none hurts, the number is not known."""
    assert calls_at_pain([measured(10), measured(20, gap_p95=700)]) == 15
    assert calls_at_pain([measured(1, gap_p95=501)]) == 1
    assert calls_at_pain([measured(1), measured(40)]) is None


async def test_the_plain_server_answers_the_crowd() -> None:
    """Two callers ask the server a question each, and hear a tone. Both ends are in this process."""
    keep_to_loopback()
    async with TestServer(plain_aiortc.application(), host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        made = repeated(question_and_listening("Hello?", 1.0), 0.2, 1.0)
        clients: list[Client] = [WebRtcClient(made, decode=False) for _ in range(2)]
        await gather(str(server.make_url("/")), clients, http)
        begun_s = time.perf_counter()
        async with asyncio.timeout(60):
            for client in clients:
                await client.finished.wait()
        await asyncio.gather(*(client.close() for client in clients))
    found = heard_between(clients, begun_s - 1, time.perf_counter() + 1)
    assert len(found["gaps_ms"]) == 2
    assert None not in found["gaps_ms"]
