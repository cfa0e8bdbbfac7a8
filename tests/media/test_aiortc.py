"""What we use of aiortc by private names, so that an upgrade that breaks us says where."""

import inspect
from typing import Any

import pytest


def source(thing: Any) -> str:
    return inspect.getsource(thing)


@pytest.mark.parametrize(
    ("where", "needed", "reason"),
    [
        ("aioice.ice:StunProtocol.datagram_received", "self.receiver.data_received(data", "what is no STUN goes there"),
        ("aioice.ice:StunProtocol", "self.transactions", "answers to our checks are known by it"),
        ("aioice.ice:Connection.get_component_candidates", "self._protocols += host_protocols", "the sockets to guard"),
        ("aioice.ice:Connection.recvfrom", "self._queue.get()", "DTLS is put there, as (data, component)"),
        ("aioice.ice:Connection.data_received", "self._queue.put_nowait((data, component))", "the same, put by aioice"),
        ("aioice.ice:Connection.sendto", "self._nominated.get(component)", "the pair that sound is sent on"),
        ("aioice.ice:Connection.check_start", "CandidatePair.State.IN_PROGRESS", "a pair that is checked may talk"),
        ("aioice.ice:Connection.check_incoming", "self._check_list", "where the checked pairs are"),
        ("aioice.ice:CandidatePair", "def remote_addr", "their addresses"),
        ("aiortc.rtcicetransport:RTCIceTransport.__init__", "self._connection = ", "the way from DTLS down to ICE"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._setup_srtp", "self._rx_srtp = Session", "SRTP is taken off by it"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._setup_srtp", "self._tx_srtp = Session", "SRTP is put on by it"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport.__init__", "self._tx_srtp: Session = None", "no keys, no sound"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._do_handshake", "await self._recv_next()", "made to survive"),
        ("aiortc.rtcpeerconnection:RTCPeerConnection", "await transceiver.sender.send(", "replaced, starts no sender"),
        ("aiortc.rtcpeerconnection:RTCPeerConnection", "await transceiver.receiver.receive(", "replaced, no receiver"),
        ("aiortc.rtcpeerconnection:RTCPeerConnection", "transceiver._codecs = common", "what was agreed on"),
        ("aiortc.rtcpeerconnection:RTCPeerConnection", "transceiver._headerExtensions = find_common", "and extensions"),
        ("aiortc.rtcrtpsender:RTCRtpSender.__init__", "self._ssrc = random32()", "the SSRC that the answer tells"),
        ("aiortc.rtcrtpreceiver:RTCRtpReceiver.stop", "if self.__started:", "one that never started stops nothing"),
        ("aiortc.rtcrtpsender:RTCRtpSender.stop", "if self.__started:", "one that never started stops nothing"),
    ],
)
def test_aiortc_is_as_the_adapter_knows_it(where: str, needed: str, reason: str) -> None:
    """Each private name that is used exists where it was; a failure says which one an upgrade has changed."""
    module, _, path = where.partition(":")
    thing: Any = __import__(module, fromlist=["_"])
    for name in path.split("."):
        thing = getattr(thing, name)
    assert needed in source(thing), (
        f"{where} has no {needed!r} any more ({reason}): see server/media/transport.py, peer.py"
    )
