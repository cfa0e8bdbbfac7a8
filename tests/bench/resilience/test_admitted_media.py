"""The attackers of the bench, against a real server."""

import asyncio

import pytest

from bench.resilience.admitted_media import ATTACKS, attack
from tests.exchange import exchange
from tests.loopback import keep_to_loopback
from tests.phone import calling

pytestmark = pytest.mark.loopback_time

ENDED = {"fragments", "gaps", "streams"}
"""The attacks that cost the attacker its call, sooner or later."""


@pytest.mark.parametrize("name", ["fragments", "ssrcs", "reports"])
async def test_an_attacker_harms_only_itself(name: str) -> None:
    """Each attacker calls, sends datagrams, and counts them. Another caller beside it is answered."""
    keep_to_loopback()
    async with asyncio.timeout(40), exchange() as running, calling(running.url) as phone:
        counts = await attack(running.home, ATTACKS[name], seconds=4.0, per_s=90.0, token="")
        assert counts["calls"] >= 1
        assert counts["datagrams"] > 50
        assert (counts["ended"] >= 1) == (name in ENDED)
        phone.send(type="text", text="hello")
        await phone.until(type="response", final=True, text="You said hello.")
