"""The private names of aiortc that we use. If an upgrade breaks us, these tests say where."""

import inspect
import re
import sys
from typing import Any

import pytest


def source(thing: Any) -> str:
    """The code of a function, or of a class.

    `inspect` finds a class by way of `ast`. In Python 3.11 that fails if the garbage collector runs meanwhile and ends
    something that writes a traceback to the log. So a class is found by its indentation.
    """
    if not inspect.isclass(thing):
        return inspect.getsource(thing)
    module = inspect.getsource(sys.modules[thing.__module__])
    found = re.search(rf"^class {thing.__name__}\b.*\n(?:(?:[ )].*)?\n)*", module, re.MULTILINE)
    assert found, f"there is no class {thing.__name__}"
    return found[0]


@pytest.mark.parametrize(
    ("where", "needed", "reason"),
    [
        ("aioice.ice:StunProtocol.datagram_received", "self.receiver.data_received(data", "other datagrams go there"),
        ("aioice.ice:StunProtocol", "self.transactions", "by it we know the answers to our checks"),
        ("aioice.ice:Connection.get_component_candidates", "self._protocols += host_protocols", "the sockets to guard"),
        ("aioice.ice:Connection.recvfrom", "self._queue.get()", "we put DTLS there, as (data, component)"),
        ("aioice.ice:Connection.data_received", "self._queue.put_nowait((data, component))", "aioice does so, too"),
        ("aioice.ice:Connection.sendto", "self._nominated.get(component)", "the pair on which sound is sent"),
        ("aioice.ice:Connection.check_start", "CandidatePair.State.IN_PROGRESS", "a pair in this state may send"),
        ("aioice.ice:Connection.check_incoming", "self._check_list", "the pairs that are checked"),
        ("aioice.ice:CandidatePair", "def remote_addr", "the address of a pair"),
        ("aiortc.rtcicetransport:RTCIceTransport.__init__", "self._connection = ", "the way from DTLS down to ICE"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._setup_srtp", "self._rx_srtp = Session", "it decrypts SRTP"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._setup_srtp", "self._tx_srtp = Session", "it encrypts SRTP"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport.__init__", "self._tx_srtp: Session = None", "None: no keys yet"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._do_handshake", "await self._recv_next()", "we wrap it"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._recv_next", "self._ssl.recv(1500)", "it reads one record"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._recv_next", "self._data_receiver._handle_data(", "we judge that"),
        (
            "aiortc.rtcdtlstransport:RTCDtlsTransport.start",
            "self._ssl = SSL.Connection(",
            "it comes before a handshake",
        ),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._do_handshake", "self.encrypted = True", "then records are data"),
        ("aiortc.rtcsctptransport:RTCSctpTransport.start", "_register_data_receiver(self)", "so it calls our function"),
        (
            "aiortc.rtcsctptransport:RTCSctpTransport._init",
            "advertised_rwnd = self._advertised_rwnd",
            "we set the window",
        ),
        (
            "aiortc.rtcsctptransport:RTCSctpTransport._receive_data_chunk",
            "self._advertised_rwnd -=",
            "what is left of it",
        ),
        ("aiortc.rtcsctptransport:RTCSctpTransport._get_inbound_stream", "self._inbound_streams[", "we count them"),
        ("aiortc.rtcsctptransport:InboundStream.add_chunk", "self.reassembly.append", "we count the pieces in it"),
        ("aiortc.rtcsctptransport:RTCSctpTransport._mark_received", "self._sack_misordered.add", "we count them"),
        ("aiortc.rtcsctptransport:RTCSctpTransport._mark_received", "self._sack_duplicates.append", "we count them"),
        ("aiortc.rtcsctptransport:RTCSctpTransport._data_channel_receive", "self._data_channels[", "we count them"),
        ("aiortc.rtcsctptransport:RTCSctpTransport._receive", "await self._data_channel_receive(", "we wrap it"),
        ("aiortc.rtcsctptransport:RTCSctpTransport.stop", "await self._abort()", "if it raises, sockets stay open"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport.start", 'if self._role == "auto"', "we set the role before"),
        ("aiortc.rtcdtlstransport:RTCDtlsTransport._set_state", 'self.emit("statechange")', "we follow the state"),
        ("aiortc.rtcicetransport:RTCIceTransport.start", "await self._connection.connect()", "we begin the checks"),
        ("aiortc.rtcsctptransport:RTCSctpTransport", 'self.transport._role == "server"', "by our role"),
        ("aiortc.rtcsctptransport:RTCSctpTransport._data_channel_receive", 'self.emit("datachannel"', "a new channel"),
        ("aioice.ice:Connection._valid_username", "self.local_username", "a restart changes it"),
        ("aioice.ice:Connection.check_complete", "self._nominated[pair.component] = pair", "the way after a restart"),
        ("aioice.ice:Connection.check_start_task", "if pair.task is None", "we check new addresses after a restart"),
        ("aiortc.rtcsctptransport:AbortChunk", "BaseParamsChunk", "it can say why"),
    ],
)
def test_aiortc_is_as_the_adapter_knows_it(where: str, needed: str, reason: str) -> None:
    """Each private name that we use still exists. A failure says which one an upgrade has changed."""
    module, _, path = where.partition(":")
    thing: Any = __import__(module, fromlist=["_"])
    for name in path.split("."):
        thing = getattr(thing, name)
    assert needed in source(thing), (
        f"{where} has no {needed!r} any more ({reason}): see server/media/transport.py, channel.py, bundle.py, ice.py"
    )
