"""A caller over WebRTC, made of aiortc: as independent of the server as a browser is. All on 127.0.0.1."""

import asyncio
import fractions
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

RATE = 48_000
FRAME = 960
REST = 20
"""How many frames of silence are one packet of a microphone that rests: 400 ms, as with DTX in Opus."""
LOUD = 300
"""RMS of a 16-bit frame above which it counts as a voice."""


class Microphone(MediaStreamTrack):
    """A microphone that sends silence, and the sound that `say` is given."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.rests = False
        """Most of the silence is left out, as phones leave it out. It costs nearly nothing then."""
        self._pcm = b""
        self._hushed = False
        self._sent = 0
        self._start_s: float | None = None
        self.quiet = asyncio.Event()

    def say(self, pcm: bytes) -> None:
        """Speak this 48 kHz mono PCM, after what is still to be said."""
        self._pcm += pcm
        self.quiet.clear()

    def hush(self) -> None:
        """Send nothing at all any more, like a machine that has lost its network."""
        self._hushed = True

    async def recv(self) -> av.AudioFrame:
        if self._hushed:
            await asyncio.Event().wait()
        loop = asyncio.get_running_loop()
        self._start_s = self._start_s or loop.time()
        await asyncio.sleep(max(0.0, self._start_s + self._sent * 0.02 - loop.time()))
        pcm, self._pcm = self._pcm[: 2 * FRAME].ljust(2 * FRAME, b"\0"), self._pcm[2 * FRAME :]
        if not self._pcm:
            self.quiet.set()
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent * FRAME, fractions.Fraction(1, RATE)
        self._sent += REST if self.rests and not self._pcm else 1
        return frame


class Phone:
    """One call. `told` has the server's messages; `loud` says for each received frame whether it has a voice."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = url, http
        self.microphone = Microphone()
        self.told: list[dict[str, Any]] = []
        self.loud: list[bool] = []
        self.pc_id = ""
        self._hides = self._skips_dtls = False
        self.opened, self.closed, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self.use(RTCPeerConnection(RTCConfiguration(iceServers=[])))

    def use(self, pc: RTCPeerConnection, **channel: Any) -> None:
        """Call over this connection, in place of one that gathers the machine's own addresses, with a data channel of
        these options."""
        self.pc = pc
        self.channel = pc.createDataChannel("events", **channel)
        self.channel.on("open", self.opened.set)
        self.channel.on("close", self.closed.set)
        self.channel.on("message", self._on_message)
        self.pc.on("track", self._on_track)

    async def dial(self, prefer: str | None = None, **more: Any) -> dict[str, Any]:
        """Send an offer, with `more` in the request, and take the answer; returns its JSON."""
        transceiver = self.pc.addTransceiver(self.microphone, "sendrecv")
        if prefer:
            from aiortc import RTCRtpSender

            codecs = RTCRtpSender.getCapabilities("audio").codecs
            transceiver.setCodecPreferences([codec for codec in codecs if codec.name.lower() == prefer.lower()])
        await self.pc.setLocalDescription(await self.pc.createOffer())
        body = {"sdp": self._shown(self.pc.localDescription.sdp), "type": "offer", **more}
        async with self._http.post(self._url, json=body) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == 200, answer
        self.pc_id = answer["pc_id"]
        if self._skips_dtls:
            self.pc.getTransceivers()[0].receiver.transport.start = _nothing
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        return answer

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a message that has all of `wanted`; earlier ones count too."""
        while True:
            for message in self.told:
                if all(message.get(name) == value for name, value in wanted.items()):
                    return message
            self._news.clear()
            await self._news.wait()

    def send(self, **message: Any) -> None:
        self.channel.send(json.dumps(message))

    def say(self, pcm: bytes) -> None:
        """Speak this 48 kHz mono PCM, after what is still to be said."""
        self.microphone.say(pcm)

    async def drop(self) -> None:
        """Close the connection without a message."""
        await self.hang_up()

    def hide_addresses(self) -> None:
        """Hide the addresses behind mDNS names, as browsers do without a microphone (RFC 8828)."""
        self._hides = True

    def skip_dtls(self) -> None:
        """Do ICE, and nothing after it."""
        self._skips_dtls = True

    def _shown(self, sdp: str) -> str:
        if not self._hides:
            return sdp
        lines = [line.split(" ") for line in sdp.splitlines()]
        for words in lines:
            if words[0].startswith("a=candidate:"):
                words[4] = "5b3c0e4a-0000.local"
        return "\r\n".join(" ".join(words) for words in lines) + "\r\n"

    def vanish(self) -> None:
        """Close the sockets without a message, like a machine that has lost its network."""
        for protocol in self._ice._protocols:
            protocol.transport.abort()

    @property
    def _ice(self) -> Any:
        """aioice's connection for the one transport in the bundle."""
        return self.pc.getTransceivers()[0].receiver.transport.transport._connection

    async def hang_up(self) -> None:
        """Close the connection."""
        await self.pc.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    def _on_message(self, text: str) -> None:
        self.told.append(json.loads(text))
        self._news.set()

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.get_running_loop().create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):  # the track is over
            while True:
                samples = (await track.recv()).to_ndarray().astype(np.float32)
                self.loud.append(bool(np.sqrt(np.mean(samples**2)) > LOUD))


@asynccontextmanager
async def calling(url: str, prefer: str | None = None) -> AsyncIterator[Phone]:
    """A connected call, hung up at the end."""
    async with aiohttp.ClientSession() as http:
        phone = Phone(url, http)
        try:
            await phone.dial(prefer)
            await phone.opened.wait()
            yield phone
        finally:
            await phone.hang_up()


async def _nothing(*_: Any) -> None:
    return
