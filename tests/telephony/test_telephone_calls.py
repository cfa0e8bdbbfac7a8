"""Calls by every kind of telephone system, over real sockets."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from server.agent.call_info import CallInfo
from tests.exchange import exchange
from tests.fakes.mind import Desk, Mind
from tests.telephony.system import CALL, DIALLED, NUMBER, System, until
from tests.telephony.systems import WEB_SOCKETS, AsteriskSystem


@pytest.mark.parametrize("kind", WEB_SOCKETS)
async def test_the_agent_is_told_who_calls(kind: type[System]) -> None:
    """The agent knows the caller's number, what was dialled, and that it is a telephone."""
    told: list[CallInfo] = []

    def deps(info: CallInfo) -> Desk:
        told.append(info)
        return Desk()

    agent = replace(Mind().agent("Hello."), make_deps=deps)
    async with asyncio.timeout(20), exchange(agent) as running, aiohttp.ClientSession() as http:
        system = kind()
        await system.dial(http, running.home)
        await system.hears(5)
        await system.hang_up()
        assert (told[0].number, told[0].dialled, told[0].transport) == (NUMBER, DIALLED, "telephone")
        assert CALL not in str(told[0].caller)


async def test_what_is_too_much_for_the_agent_is_left_out() -> None:
    """A telephone system tells the variables of a channel by itself, however many they are. The call is taken, and the
    agent is told as much as has room. Half a character is none."""
    told: list[CallInfo] = []

    def deps(info: CallInfo) -> Desk:
        told.append(info)
        return Desk()

    class Talkative(AsteriskSystem):
        def opening(self) -> list[Any]:
            variables = {"VIP": "1\ud800", "LONG": "x" * 5_000} | {f"V{number}": "y" * 50 for number in range(100)}
            return [{**super().opening()[0], "channel_variables": variables}]

    agent = replace(Mind().agent("Hello."), make_deps=deps)
    async with asyncio.timeout(20), exchange(agent) as running, aiohttp.ClientSession() as http:
        system = Talkative()
        await system.dial(http, running.home)
        await system.hears(3)
        await system.hang_up()
        variables = told[0].request["channel_variables"]
        assert variables["VIP"] == "1?"
        assert "LONG" not in variables
        assert 50 < len(variables) < 100


async def test_a_call_that_cannot_be_taken_is_hung_up() -> None:
    """On a full server, and when what is told of the call cannot be used."""
    agent = Mind().agent("Hello, this is the shop.")
    async with asyncio.timeout(20), exchange(agent, limit=1) as running, aiohttp.ClientSession() as http:
        live = AsteriskSystem()
        await live.dial(http, running.home)
        await live.hears(3)
        for query, code in (("?call=2", 1013), ("?call=3&patience=none", 1008)):
            system = AsteriskSystem()
            system.ws = await http.ws_connect(f"{running.home}{system.path}{query}")
            await system.begin()
            await system.closed.wait()
            assert (system.told_to_hang_up, system.ws.close_code) == (True, code)
            await system.hang_up()
        await live.hang_up()


async def test_a_call_that_moves_leaves_its_old_connection_alone() -> None:
    """The first connection is told that the call goes on elsewhere."""
    agent = Mind().agent("Hello, this is the shop.")
    async with asyncio.timeout(20), exchange(agent) as running, aiohttp.ClientSession() as http:
        system, other = AsteriskSystem(), AsteriskSystem()
        await system.dial(http, running.home)
        await system.hears(3)
        await other.dial(http, running.home)
        await system.closed.wait()
        assert system.ws.close_code == 4000
        await other.hang_up()
        await system.hang_up()


async def test_a_clean_close_is_a_hang_up() -> None:
    """Some systems write no code into it. The conversation does not wait for a caller who is gone."""
    agent = Mind().agent("Hello, this is the shop.")
    async with asyncio.timeout(20), exchange(agent, resume_s=30.0) as running, aiohttp.ClientSession() as http:
        system = AsteriskSystem()
        await system.dial(http, running.home)
        await system.hears(3)
        system.ws._response.connection.transport.write(b"\x88\x80mask")  # type: ignore[union-attr]
        await until(lambda: not len(running.directory))
        await system.hang_up()
