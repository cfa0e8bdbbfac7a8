"""A telephone line as a client: Twilio's dialect over a WebSocket, with frames of 20 ms of µ-law."""

import asyncio
import base64
import json
import time
from typing import Any

import aiohttp
import av
import numpy as np

from bench.caller.clients import WebSocketClient
from bench.caller.microphone import FRAME_S, Script
from bench.caller.recorder import LOUD_RMS
from bench.caller.tape import HeardPacket

PATH = "/telephony/twilio"
RATE = 8_000
FRAME = RATE // 50
RTP_FRAME = 48_000 // 50


class TelephoneClient(WebSocketClient):
    """Calls as Twilio's servers do, when a telephone call is connected to a stream."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self._frames = _mulaw(script)
        self._heard: list[tuple[float, bytes]] = []

    async def connect(self, http: aiohttp.ClientSession, url: str) -> None:
        self._ws = await http.ws_connect(f"{url.rstrip('/')}{PATH}")
        media = {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1}
        start = {"streamSid": "MZ1", "accountSid": "AC1", "callSid": f"CA{id(self)}", "tracks": ["inbound"]}
        start |= {"customParameters": {}, "mediaFormat": media}
        await self._ws.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        await self._ws.send_json({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ1"})
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._speak())]

    def heard(self) -> list[HeardPacket]:
        """Each message with sound; the sound of a message that comes early is played after the one before it."""
        heard: list[HeardPacket] = []
        for number, (at_s, payload) in enumerate(self._heard):
            samples = _decode(payload)
            loud = bool(np.sqrt(np.mean(samples.astype(np.float64) ** 2)) > LOUD_RMS)
            heard.append(HeardPacket(at_s, number * RTP_FRAME, loud))
        return heard

    async def _listen(self) -> None:
        async for message in self._ws:
            event = json.loads(message.data)
            if event["event"] == "media":
                self._heard.append((time.perf_counter(), base64.b64decode(event["media"]["payload"])))
            elif event["event"] == "mark":
                await self._ws.send_json({"event": "mark", "streamSid": "MZ1", "mark": event["mark"]})

    async def _speak(self) -> None:
        self._start_s = time.perf_counter()
        for number, frame in enumerate(self._frames):
            await asyncio.sleep(max(0.0, self._start_s + number * FRAME_S - time.perf_counter()))
            media = {"track": "inbound", "chunk": str(number + 1), "timestamp": str(20 * number)}
            media["payload"] = base64.b64encode(frame).decode()
            await self._ws.send_json({"event": "media", "streamSid": "MZ1", "media": media})
        self.finished.set()


def _mulaw(script: Script) -> list[bytes]:
    """The script as µ-law, in frames of 20 ms."""
    decoder, encoder = av.CodecContext.create("libopus", "r"), av.CodecContext.create("pcm_mulaw", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    resampler = av.AudioResampler("s16", "mono", RATE, frame_size=FRAME)
    frames = [frame for packet in script.packets for frame in decoder.decode(av.Packet(packet))]
    pieces = [piece for frame in frames for piece in resampler.resample(frame)]
    return [bytes(packet) for piece in pieces for packet in encoder.encode(piece)]


def _decode(payload: bytes) -> np.ndarray[Any, np.dtype[np.int16]]:
    """µ-law as 16-bit samples (ITU-T G.711)."""
    code = ~np.frombuffer(payload, np.uint8)
    magnitude = (((code & 0x0F).astype(np.int16) << 3) + 132 << ((code & 0x70) >> 4)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)
