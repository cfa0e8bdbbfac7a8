"""A SIP phone with a WebSocket and an aiortc peer: the counterpart of tests/phone.py, which calls by our own API."""

import asyncio
from contextlib import suppress

import av
import numpy as np
from aiohttp import ClientSession, ClientWebSocketResponse
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from signaling.sip.message import Request, Response, read
from tests.phone import LOUD, Microphone
from tests.signaling.sip import phone as written

ALICE = "sip:alice@sip.test"
AGENT = "sip:demo@sip.test"
SDP = "application/sdp"


class SipPhone:
    """One phone: `written.Phone` writes its messages, and an aiortc peer has its sound. `loud` says for each received
    frame whether it has a voice."""

    def __init__(self, home: str, http: ClientSession) -> None:
        self._home, self._http = home, http
        self._socket: ClientWebSocketResponse
        self.words = written.Phone(written.Server())
        self.words.tag = "p"
        self.loud: list[bool] = []
        self.heard = asyncio.Event()
        self._listening: list[asyncio.Task[None]] = []
        self._new_peer()

    async def connect(self) -> None:
        """Open a WebSocket."""
        self._socket = await self._http.ws_connect(f"{self._home}/sip", protocols=["sip"])

    def _new_peer(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.microphone = Microphone()
        self.pc.addTrack(self.microphone)
        self.pc.on("track", self._listen)

    def _listen(self, track: MediaStreamTrack) -> None:
        self._listening.append(asyncio.get_running_loop().create_task(self._hear(track)))

    async def _hear(self, track: MediaStreamTrack) -> None:
        with suppress(Exception):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                self.loud.append(bool(np.sqrt(np.mean(frame.to_ndarray().astype(float) ** 2)) > LOUD))
                if self.loud[-1]:
                    self.heard.set()

    # Messages

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def gets(self, what: str) -> Request | Response:
        """The next message of this method, or with this code."""
        while True:
            message = read(await self._socket.receive_str())
            if isinstance(message, Request) and message.method == what:
                return message
            if isinstance(message, Response) and str(message.code) == what:
                return message

    async def final(self) -> Response:
        """The next final answer."""
        while True:
            message = read(await self._socket.receive_str())
            if isinstance(message, Response) and message.code >= 200:
                return message

    async def ask(self, method: str, body: str = "", **more: str) -> Response:
        """A request to the agent. Returns its final answer."""
        await self.send(self.words.write(method, AGENT, body, **more))
        return await self.final()

    async def reply(self, request: Request, code: int, body: str = "") -> None:
        headers = {name: request.headers.get(name) for name in ("Via", "From", "To", "Call-ID", "CSeq")}
        headers["To"] += "" if request.to_tag else ";tag=p"
        headers |= {"Contact": f"<{self.words.contact}>", "Content-Type": SDP}
        lines = [f"SIP/2.0 {code} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body]))

    async def register(self) -> None:
        await self.send(self.words.write("REGISTER", "sip:sip.test", to=ALICE))
        await self.gets("200")

    # Calls

    async def answer(self) -> Request:
        """Take the call that comes. Returns the INVITE."""
        invite = await self.gets("INVITE")
        assert isinstance(invite, Request)
        await self.reply(invite, 180)
        await self.pc.setRemoteDescription(RTCSessionDescription(invite.body.decode(), "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        await self.reply(invite, 200, self.pc.localDescription.sdp)
        await self.gets("ACK")
        self.words.call_id, self.words.to_tag = invite.call_id, invite.from_tag
        return invite

    async def offer(self) -> Response:
        """Call, or offer again in the call. Takes the answer, and returns it."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await self.ask("INVITE", self.pc.localDescription.sdp, Content_Type=SDP)
        await self.send(self.words.write("ACK", AGENT, cseq=str(answer.cseq), to_tag=answer.to_tag))
        if answer.code == 200:
            self.words.to_tag = answer.to_tag
            await self.pc.setRemoteDescription(RTCSessionDescription(answer.body.decode(), "answer"))
        return answer

    def say(self, pcm: bytes) -> None:
        """Speak this 48 kHz mono PCM."""
        self.microphone.say(pcm)

    async def type(self, text: str) -> None:
        """Type words. As long as the sound does not stand, they are to be sent again."""
        while (answer := await self.ask("MESSAGE", text, Content_Type="text/plain")).code == 480:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert answer.code == 200

    async def press(self, key: str) -> None:
        assert (await self.ask("INFO", f"Signal={key}\r\n", Content_Type="application/dtmf-relay")).code == 200

    async def drop(self) -> None:
        """Cut the WebSocket, and lose the sound, without a message."""
        transport = self._socket._response.connection.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]
        await self.pc.close()

    async def come_back(self) -> None:
        """Take the call up at another WebSocket and with another peer."""
        await self.connect()
        self._new_peer()
        assert (await self.offer()).code == 200

    async def hang_up(self) -> None:
        """Say BYE. Waits until it is answered."""
        assert (await self.ask("BYE")).code == 200

    async def close(self) -> None:
        await self.pc.close()
        for task in self._listening:
            task.cancel()
        await self._socket.close()
