"""Makes hostile datagrams of every kind that a media socket may get: well-formed, damaged and random ones."""

import os
import random
from collections.abc import Iterator

from aioice import stun
from aiortc.rtp import RtcpByePacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSdesPacket, RtcpSourceInfo

from server.media.rtcp import Sent, compound
from server.media.rtp import build

MAX_BYTES = 1_500


def hostile(seed: int) -> Iterator[bytes]:
    """Make datagrams without end. The same seed gives the same ones."""
    rng = random.Random(seed)
    makers = (_random, _stun_request, _stun_response, _alert, _client_hello, _record, _rtp, _rtcp, _turn_channel)
    while True:
        yield b""
        for make in makers:
            data = make(rng)
            yield data
            yield damaged(rng, data)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Damage a datagram: cut it short, make it longer, or change some bytes."""
    changed = bytearray(data)
    match rng.randrange(4):
        case 0:
            del changed[rng.randrange(len(changed) + 1) :]
        case 1:
            changed += rng.randbytes(rng.randrange(1, 40))
        case _:
            for _ in range(rng.randrange(1, 6)):
                if changed:
                    changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def rtp(rng: random.Random) -> bytes:
    """RTP with a random header: it may announce sources, extensions and padding that are not there."""
    head = bytes([0x80 | rng.randrange(64)]) + rng.randbytes(1)
    return head + rng.randbytes(10) + rng.choice((b"\xbe\xde", b"\x10\x00", b"")) + rng.randbytes(rng.randrange(120))


def rtcp(rng: random.Random) -> bytes:
    """Compound RTCP, as aiortc and we make it."""
    block = RtcpReceiverInfo(rng.getrandbits(32), 3, 5, rng.getrandbits(32), 7, rng.getrandbits(32), 9)
    parts = [
        compound(Sent(rng.getrandbits(32), 1, rng.randrange(3), 4), "me", None, 1.0, 2.0),
        bytes(RtcpRrPacket(rng.getrandbits(32), [block])),
        bytes(RtcpByePacket([rng.getrandbits(32)])),
        bytes(RtcpSdesPacket([RtcpSourceInfo(rng.getrandbits(32), [(1, b"somebody")])])),
    ]
    return b"".join(rng.sample(parts, rng.randrange(1, 5)))


def _random(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(1, MAX_BYTES))


def _stun_request(rng: random.Random) -> bytes:
    return _stun(rng, stun.Class.REQUEST)


def _stun_response(rng: random.Random) -> bytes:
    return _stun(rng, rng.choice((stun.Class.RESPONSE, stun.Class.ERROR, stun.Class.INDICATION)))


def _stun(rng: random.Random, kind: stun.Class) -> bytes:
    message = stun.Message(message_method=stun.Method.BINDING, message_class=kind, transaction_id=rng.randbytes(12))
    message.attributes["USERNAME"] = "".join(rng.choices("abcdXYZ019", k=4)) + ":" + "peer"
    message.attributes["PRIORITY"] = rng.getrandbits(31)
    if rng.random() < 0.5:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(rng.randbytes(22))
    return bytes(message)


def _alert(rng: random.Random) -> bytes:
    """A DTLS alert: a fatal one, or one that closes the connection."""
    return b"\x15\xfe\xfd" + bytes(8) + b"\0\2" + rng.choice((b"\2\x28", b"\1\0"))


def _client_hello(rng: random.Random) -> bytes:
    body = b"\xfe\xfd" + rng.randbytes(32) + b"\0\0" + b"\0\2\xc0\x2b" + b"\1\0"
    handshake = b"\1" + len(body).to_bytes(3, "big") + bytes(5) + len(body).to_bytes(3, "big") + body
    return b"\x16\xfe\xff" + bytes(8) + len(handshake).to_bytes(2, "big") + handshake


def _record(rng: random.Random) -> bytes:
    """A DTLS record of a random type, epoch and number."""
    body = rng.randbytes(rng.randrange(60))
    return bytes([rng.randrange(20, 64)]) + b"\xfe\xfd" + rng.randbytes(8) + len(body).to_bytes(2, "big") + body


def _rtp(rng: random.Random) -> bytes:
    return build(rng.randrange(128), rng.getrandbits(16), rng.getrandbits(32), rng.getrandbits(32), rng.randbytes(60))


def _rtcp(rng: random.Random) -> bytes:
    return rtcp(rng) + rng.randbytes(14)


def _turn_channel(rng: random.Random) -> bytes:
    return b"\x40\x01\0\x20" + rng.randbytes(32)


def rounds() -> int:
    """How many datagrams to try: some in the test suite, many with `make fuzz`."""
    return int(os.environ.get("FUZZ_ROUNDS", "3000"))
