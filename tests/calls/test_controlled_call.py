"""A call to a started server, which an operator follows and controls over HTTP."""

import asyncio

from aiohttp import ClientSession

from tests.listener import Listener
from tests.socket_phone import SocketPhone
from tests.started import Started, started

ADMIN_TOKEN = "the operator's own token"


async def press_keys(server: Started, call_id: str, control_token: str) -> None:
    """Press keys with the control token of the call, which does not open the list of calls."""
    async with ClientSession(server.url, headers={"Authorization": f"Bearer {control_token}"}) as backend:
        assert (await backend.post(f"/api/calls/{call_id}/keys", json={"keys": "12#"})).status == 200
        assert (await backend.get("/api/calls")).status == 401


async def test_an_operator_speaks_in_a_call_and_ends_it() -> None:
    """The caller hears the operator's line, keys and then the goodbye. The operator reads and hears all."""
    with started("--admin-token", ADMIN_TOKEN) as server:
        admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with asyncio.timeout(60), ClientSession() as http, ClientSession(server.url, headers=admin) as operator:
            phone = SocketPhone(server.url, http)
            await phone.dial()
            call_id = (await phone.until(type="session"))["session_id"]
            await phone.until(type="response", final=True)
            (call,) = (await (await operator.get("/api/calls")).json())["calls"]
            assert (call["id"], call["transport"]) == (call_id, "websocket")
            events = await operator.get(f"/api/calls/{call_id}/events")
            listener = Listener(server.url, call_id, http, {"Authorization": f"Bearer {call['control_token']}"})
            await listener.listen()
            before = sum(phone.loud)
            line = {"text": "The shop closes early today.", "when": "now", "interruptible": False}
            assert (await operator.post(f"/api/calls/{call_id}/say", json=line)).status == 200
            await phone.until(type="response", text="The shop closes early today.", final=True, interrupted=False)
            assert (sum(phone.loud) - before) * 0.02 > 0.8
            assert sum(listener.loud) * 0.02 > 0.8
            await press_keys(server, call["id"], call["control_token"])
            await phone.until(type="response", text="Keys: 1 2 #", final=True, interrupted=False)
            assert (await operator.post(f"/api/calls/{call_id}/hangup", json={})).status == 200
            await phone.closed.wait()
            await listener.ended.wait()
            await listener.close()
            told = await events.text()
            await phone.hang_up()
            assert (
                told.index('"text":"The shop closes early today."') < told.index("Goodbye") < told.index("event: end")
            )
            assert (await (await operator.get("/api/calls")).json())["calls"] == []
