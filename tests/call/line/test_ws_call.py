"""A call over a fake WebSocket: what is read and written, on a virtual clock."""

import asyncio
import json
from typing import Any

from server.call.agent_messages import Clear
from server.call.line.leg import Leg
from server.call.line.ws_call import LEAD_FRAMES, WsCall
from server.call.messages import AudioFormat, Text
from server.call.session import Session
from server.call.setup import CallSetup, Engines
from server.media.frame import Frame
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


class HastySocket(QuietSocket):
    """A client that sends a second of sound at once, and then says that it is not meant."""

    def __init__(self) -> None:
        super().__init__(types_ms=0)
        self._says: list[str | bytes] = [bytes(32_000), Clear().to_json(), Text(text="hello").to_json()]

    async def receive(self) -> str | bytes | None:
        if not self._says:
            await asyncio.sleep(3_600)
        return self._says.pop(0)


class Heard:
    """A session that notes how many frames it has heard when a message comes."""

    id, ended, speaking = "call", False, None

    def __init__(self) -> None:
        self.frames = 0
        self.taken: list[tuple[str, int]] = []

    def hear(self, frame: Frame) -> None:
        self.frames += 1

    def receive_text(self, text: str) -> None:
        self.taken.append((json.loads(text)["type"], self.frames))

    def next_frame(self) -> None: ...
    def frame_ahead(self) -> None: ...
    def attach(self, leg: Leg) -> None: ...
    def detach(self, leg: Leg, for_good: bool = False) -> None: ...


def test_what_is_cleared_is_all_the_sound_before_it() -> None:
    """Also what waits to be heard, because it came faster than it can be heard."""

    async def scenario() -> None:
        session: Any = Heard()
        leg = Leg(session, session.attach)
        call = WsCall(session, AudioFormat(), HastySocket(), vanished_s=60, patient=True)
        serving = asyncio.create_task(call.run(leg, Pacer(), None), name="the socket")
        await asyncio.sleep(2)
        leg.close()
        await serving
        assert session.taken == [("clear", 50), ("text", 50)]
        assert call.heard_ms == 1_000

    run_virtual(scenario())
