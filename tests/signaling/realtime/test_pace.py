"""A client of the Realtime API gets the sound of an answer as soon as one of our own WebSocket. On virtual time."""

import asyncio
import json

from server.call.line.leg import Leg
from server.call.line.translated_socket import TranslatedSocket
from server.call.line.ws_call import LEAD_FRAMES, WsCall
from server.call.messages import AudioFormat, Text
from server.call.session import Session
from server.call.setup import CallSetup, Engines
from server.media.pacer import Pacer
from signaling.openai.way import Way
from signaling.realtime.session_config import SessionConfig
from signaling.realtime.translator import RealtimeTranslator
from tests.fakes.engines import EnergyVad, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual

ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
AT_MS = 105


class Asking:
    """A client that asks once. `sound_ms` has the time of each piece of sound, and `pieces` their sizes."""

    flooded = hung_up = False

    def __init__(self, says: list[str]) -> None:
        self.sound_ms: list[float] = []
        self._says = says
        self._start_s = asyncio.get_running_loop().time()
        self._waited = False

    async def receive(self) -> str | bytes | None:
        if not self._waited:
            self._waited = True
            await asyncio.sleep(AT_MS / 1000)
        if self._says:
            return self._says.pop(0)
        await asyncio.sleep(3_600)
        return None

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, bytes) or json.loads(item)["type"] == "response.output_audio.delta":
            self.sound_ms.append(round((asyncio.get_running_loop().time() - self._start_s) * 1000, 3))

    async def ping(self) -> None:
        pass

    async def close(self, reason: str) -> None:
        pass


async def sound_ms(says: list[str], realtime: bool) -> list[float]:
    """When the sound of the answer comes."""
    mind, client, audio = Mind(first_token_ms=0, token_ms=0), Asking(says), AudioFormat(sample_rate=24000)
    agent = mind.agent()
    engines = Engines(LetterSpeechToText(), SteadyTextToSpeech(first_ms=30), EnergyVad())
    session = Session(Notebook().minutes("call"), CallSetup(agent, agent.make_deps(), engines))
    way = Way("n", False, lambda: asyncio.get_running_loop().time() * 1000)
    translator = RealtimeTranslator(way, SessionConfig("sess_1"))
    socket = TranslatedSocket(client, translator) if realtime else client
    running = asyncio.create_task(session.run(), name="the call")
    leg = Leg(session, session.attach)
    call = WsCall(session, audio, socket, vanished_s=60)
    serving = asyncio.create_task(call.run(leg, Pacer(), None), name="the socket")
    await asyncio.sleep(0.4)
    session.end()
    await running
    await serving
    return client.sound_ms


def test_the_first_sound_comes_as_fast_as_on_our_own_websocket() -> None:
    """Each frame is an event of its own, and none waits for the next one."""

    async def scenario() -> None:
        own = await sound_ms([Text(text="hello").to_json()], realtime=False)
        asks = [{"type": "conversation.item.create", "item": ITEM}, {"type": "response.create"}]
        theirs = await sound_ms([json.dumps(each) for each in asks], realtime=True)
        assert own[: LEAD_FRAMES + 3] == theirs[: LEAD_FRAMES + 3]
        assert theirs[0] < AT_MS + 50

    run_virtual(scenario())
