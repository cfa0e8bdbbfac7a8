"""The page of metrics."""

import asyncio
from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Observation

from server.telemetry.exporter import Exporter
from tests.virtual_time import run_virtual


def test_however_often_it_is_asked_for_it_is_made_once_a_second() -> None:
    """A flood of requests costs the media loop one page a second, which shows what holds now."""
    made = 0

    def count(options: CallbackOptions) -> Iterable[Observation]:
        nonlocal made
        made += 1
        return [Observation(made)]

    async def ask() -> None:
        exporter = Exporter()
        exporter.meter.create_observable_counter("pages", [count])
        for second in range(3):
            pages = {exporter.page() for _ in range(100)}
            assert made == second + 1
            assert [f"pages_total {made}.0" in page.decode() for page in pages] == [True]
            await asyncio.sleep(1)
        exporter.close()

    run_virtual(ask())
