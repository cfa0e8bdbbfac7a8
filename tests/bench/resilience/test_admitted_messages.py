import aiohttp
import pytest

from bench.resilience.admitted_messages import attack
from tests.exchange import exchange
from tests.fakes.mind import Mind
from tests.socket_phone import SocketPhone

SENT = {
    "typed": "texts sent",
    "moves": "offers sent",
    "resumes": "sockets opened",
    "chatter": "messages sent",
}


@pytest.mark.parametrize("name", ["typed", "moves", "pieces"])
async def test_each_attack_sends_and_ends(name: str) -> None:
    """An attack of each kind gets a call, sends, and ends in time. Another caller is answered afterwards."""
    async with exchange(Mind().agent(), limit=8, resume_s=60) as running:
        counts = await attack(running.home, name, 1.5, "")
        assert counts[SENT.get(name, "frames sent")] > 5
        async with aiohttp.ClientSession() as http:
            phone = SocketPhone(running.home, http)
            await phone.dial()
            phone.send(type="text", text="hello")
            await phone.until(type="response", text="You said hello.", final=True)
            await phone.hang_up()
