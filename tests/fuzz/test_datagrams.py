"""Hostile datagrams against all code that reads them. They come from a seed, so a failure can be repeated."""

import random
from itertools import islice

import pytest

from server.media.counters import MediaCounters
from server.media.frame import Frame
from server.media.inbound import Codec
from server.media.rtp_session import Negotiated, RtpSession
from tests.fuzz.datagrams import damaged, hostile, rounds, rtcp, rtp
from tests.media.test_transport import FRAMES, calling

CODECS = {
    111: Codec("opus", 48_000),
    0: Codec("pcmu", 8_000),
    8: Codec("pcma", 8_000),
    110: Codec("telephone-event", 48_000),
}


class Sink:
    """Takes frames and packets, and only counts the frames."""

    def __init__(self) -> None:
        self.frames = 0

    def hear(self, frame: Frame) -> None:
        self.frames += 1

    def digit(self, digit: str) -> None:
        assert len(digit) == 1

    def send_rtp(self, packet: bytes) -> None:
        pass

    def send_rtcp(self, packet: bytes) -> None:
        pass


@pytest.mark.parametrize("seed", [1, 2])
def test_authentic_but_hostile_rtp_and_rtcp(seed: int) -> None:
    """Whatever a client that has the keys sends, it is read or raises ValueError. It never gives too many frames."""
    rng, sink, counters = random.Random(seed), Sink(), MediaCounters()
    session = RtpSession(Negotiated(CODECS, 9, "me", level_id=1), sink, sink, counters)
    for n in range(rounds()):
        now_s = n / 200
        data = rtp(rng) if rng.random() < 0.8 else rtcp(rng)
        data = damaged(rng, data) if rng.random() < 0.3 else data
        try:
            (session.receive_rtp if rng.random() < 0.8 else session.receive_rtcp)(data, now_s)
        except ValueError:
            counters.malformed += 1
        if n % 4 == 0:
            session.hear(now_s)
            session.speak(None, n // 4, now_s)
    assert sink.frames * 0.02 < 1.2 * rounds() / 200 + 5
    assert counters.received > 0
    assert counters.malformed > 0


async def test_a_call_survives_datagrams_from_its_own_address() -> None:
    """Hostile datagrams with the client's own address as their source do not end a call. Only authentic ones count."""
    async with calling() as call:
        await call.connect()
        [protocol] = call.protocols
        for n, data in enumerate(islice(hostile(seed=4), rounds())):
            protocol.datagram_received(data, call.address)
            if n % (rounds() // 20) == 0:
                await call.listening.hears(1)
        await call.listening.hears(FRAMES)
        assert call.peer._bundle.state == "connected"
        assert not call.listening.is_lost
        assert call.peer.counters.over_rate > 0
