"""A call over a fake WebSocket: what is read and written, on a virtual clock."""

import asyncio

from server.call.line.leg import Leg
from server.call.line.ws_call import LEAD_FRAMES, WsCall
from server.call.messages import AudioFormat, Text
from server.call.session import Session
from server.call.setup import CallSetup, Engines
from server.media.pacer import Pacer
from tests.fakes.engines import EnergyVad, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual


class QuietSocket:
    """A client that types once, and then only listens. `sound_ms` has the time of each binary message."""

    flooded = hung_up = False

    def __init__(self, types_ms: float) -> None:
        self.sound_ms: list[float] = []
        self._types_ms = types_ms
        self._typed = False
        self._start_s = asyncio.get_running_loop().time()

    async def receive(self) -> str | bytes | None:
        await asyncio.sleep(3_600 if self._typed else self._types_ms / 1000)
        self._typed = True
        return Text(text="hello").to_json()

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            self.sound_ms.append(round((asyncio.get_running_loop().time() - self._start_s) * 1000, 3))

    async def ping(self) -> None:
        pass

    async def close(self, reason: str) -> None:
        pass


def test_an_answer_is_sent_when_it_is_ready() -> None:
    """A reply begins between two ticks with enough sound for the client's buffer. Then each tick sends a frame."""

    async def scenario() -> None:
        mind, socket = Mind(first_token_ms=0, token_ms=0), QuietSocket(types_ms=105)
        engines = Engines(LetterSpeechToText(), SteadyTextToSpeech(first_ms=30), EnergyVad())
        agent = mind.agent()
        session = Session(Notebook().minutes("call"), CallSetup(agent, agent.make_deps(), engines))
        leg = Leg(session, session.attach)
        running = asyncio.create_task(session.run(), name="the call")
        serving = asyncio.create_task(
            WsCall(session, AudioFormat(), socket, vanished_s=60).run(leg, Pacer(), None), name="the socket"
        )
        await asyncio.sleep(0.4)
        session.end()
        await running
        await serving
        assert socket.sound_ms[: LEAD_FRAMES + 3] == [135] * LEAD_FRAMES + [140, 160, 180]

    run_virtual(scenario())
