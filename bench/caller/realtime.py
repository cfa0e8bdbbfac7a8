"""A client of the OpenAI Realtime API by WebSocket. Its sound is base64 in events: pieces of 20 ms of PCM at 24 kHz."""

import asyncio
import base64
import json
import time

import aiohttp
import av
import numpy as np

from bench.caller.clients import WebSocketClient
from bench.caller.microphone import FRAME_S, Script
from bench.caller.recorder import LOUD_RMS
from bench.caller.tape import HeardPacket

PATH = "/v1/realtime?model=gpt-realtime"
RATE = 24_000
FRAME = RATE // 50
RTP_RATE = 48_000


class RealtimeClient(WebSocketClient):
    """Calls as programs do that are made for OpenAI. A packet that is heard is one `response.output_audio.delta`."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self._frames = _pcm(script)
        self._heard: list[tuple[float, bytes]] = []

    async def connect(self, http: aiohttp.ClientSession, url: str) -> None:
        self._ws = await http.ws_connect(f"{url.rstrip('/')}{PATH}")
        audio = {"input": {"transcription": {"model": "any"}}}
        await self._ws.send_json({"type": "session.update", "session": {"type": "realtime", "audio": audio}})
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._speak())]

    def heard(self) -> list[HeardPacket]:
        heard: list[HeardPacket] = []
        played = 0
        for at_s, pcm in self._heard:
            samples = np.frombuffer(pcm, "<i2").astype(np.float64)
            heard.append(HeardPacket(at_s, played * RTP_RATE // RATE, bool(np.sqrt(np.mean(samples**2)) > LOUD_RMS)))
            played += len(samples)
        return heard

    async def _listen(self) -> None:
        async for message in self._ws:
            event = json.loads(message.data)
            if event["type"] == "response.output_audio.delta":
                self._heard.append((time.perf_counter(), base64.b64decode(event["delta"])))

    async def _speak(self) -> None:
        self._start_s = time.perf_counter()
        for number, frame in enumerate(self._frames):
            await asyncio.sleep(max(0.0, self._start_s + number * FRAME_S - time.perf_counter()))
            audio = base64.b64encode(frame).decode()
            await self._ws.send_json({"type": "input_audio_buffer.append", "audio": audio})
        self.finished.set()


def _pcm(script: Script) -> list[bytes]:
    """The script as 16-bit PCM, in frames of 20 ms."""
    decoder, resampler = (
        av.CodecContext.create("libopus", "r"),
        av.AudioResampler("s16", "mono", RATE, frame_size=FRAME),
    )
    frames = [frame for packet in script.packets for frame in decoder.decode(av.Packet(packet))]
    return [piece.to_ndarray().astype("<i2").tobytes() for frame in frames for piece in resampler.resample(frame)]
