"""A caller that was let in and is hostile: aiortc has the right keys, and this class makes its packets by hand."""

import struct
from contextlib import suppress
from typing import Any

from aioice.stun import Class, Message, Method
from aiortc import RTCPeerConnection
from aiortc.rtcsctptransport import Chunk, DataChunk, crc32c

from server.media.rtp import build

FIRST, LAST, UNORDERED = 2, 1, 4
"""Flags of a DATA chunk (RFC 9260, section 3.3.1)."""
ABORT = 6
"""The type of the chunk that ends an association."""
TEXT, DCEP = 51, 50
"""What a DATA chunk carries (RFC 8831, section 8)."""
OPEN = struct.pack("!BBHLHH", 3, 0, 0, 0, 0, 0)
"""The message that opens a channel without a name (RFC 8832, section 5.1)."""
SILENCE = b"\xd8"
"""An Opus packet of 20 ms of silence."""


class RawChunk(Chunk):
    """An SCTP chunk of any type with any value."""

    def __init__(self, kind: int, body: bytes = b"", flags: int = 0) -> None:
        super().__init__(flags, body)
        self.type = kind


class HostileCaller:
    """Sends packets over the connection of a call that is connected."""

    def __init__(self, pc: RTCPeerConnection) -> None:
        self.pc = pc
        self.sctp: Any = pc.sctp
        self.dtls: Any = pc.getTransceivers()[0].receiver.transport
        self.ice: Any = self.dtls.transport._connection
        self.told: list[Any] = []
        """The SCTP chunks that have come."""
        self._receive_chunk, self.sctp._receive_chunk = self.sctp._receive_chunk, self._take

    @property
    def server(self) -> tuple[str, int]:
        """The server's address, as ICE has found it."""
        address: tuple[str, int] = self.ice._nominated[1].remote_addr
        return address

    @property
    def over(self) -> bool:
        """Whether the server has ended the connection."""
        return self.pc.connectionState in ("closed", "failed") or any(chunk.type == ABORT for chunk in self.told)

    async def _take(self, chunk: Chunk) -> None:
        self.told.append(chunk)
        with suppress(AssertionError):  # the answers to packets that aiortc does not know of
            await self._receive_chunk(chunk)

    def data(
        self, body: bytes = b"x", flags: int = FIRST, stream: int = 1, content: int = TEXT, skip: int = 0
    ) -> DataChunk:
        """The next DATA chunk. `skip` leaves out so many numbers before it."""
        chunk = DataChunk(flags)
        chunk.tsn = (self.sctp._local_tsn + skip) % 2**32
        chunk.stream_id, chunk.stream_seq, chunk.protocol, chunk.user_data = stream, 0, content, body
        self.sctp._local_tsn = (chunk.tsn + 1) % 2**32
        return chunk

    def packet(self, *chunks: Chunk) -> bytes:
        """Put chunks into one SCTP packet."""
        tag = self.sctp._remote_verification_tag
        head = struct.pack("!HHL", self.sctp._local_port, self.sctp._remote_port, tag)
        body = b"".join(map(bytes, chunks))
        return head + struct.pack("<L", crc32c(head + bytes(4) + body)) + body

    async def send(self, *chunks: Chunk) -> None:
        """Send one SCTP packet. Raises ConnectionError when the connection is gone."""
        await self.dtls._send_data(self.packet(*chunks))

    async def send_records(self, count: int, data: bytes) -> None:
        """Send one datagram that carries so many DTLS records."""
        datagram = b""
        for _ in range(count):
            self.dtls._ssl.send(data)
            datagram += self.dtls._ssl.bio_read(4_096)
        await self.dtls.transport._send(datagram)

    def sound(self, ssrc: int, number: int, payload_type: int = 96, payload: bytes = SILENCE) -> bytes:
        """Encrypt one RTP packet of that sender."""
        packet: bytes = self.dtls._tx_srtp.protect(build(payload_type, number, 960 * number, ssrc, payload))
        return packet

    def strange_sound(self, ssrc: int) -> bytes:
        """Encrypt the first RTP packet of a sender, and forget the sender, so that this end does not become slow."""
        packet = self.sound(ssrc, 1)
        self.dtls._tx_srtp.remove_stream(ssrc)
        return packet

    async def send_datagram(self, data: bytes) -> None:
        """Send a datagram as it is. Raises ConnectionError when the connection is gone."""
        await self.dtls.transport._send(data)

    def check(self, **attributes: Any) -> bytes:
        """Make a STUN check that ICE accepts from any address."""
        message = Message(Method.BINDING, Class.REQUEST)
        user = f"{self.ice.remote_username}:{self.ice.local_username}"
        message.attributes.update({"USERNAME": user, "PRIORITY": 1, "ICE-CONTROLLING": 1, **attributes})
        message.add_message_integrity(self.ice.remote_password.encode())
        return bytes(message)
