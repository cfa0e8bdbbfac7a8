"""Writes our own offer, for a call that we begin (RFC 3264, 8843, 8829). Pure.

It has one audio section, with all codecs that we speak and all our candidates. What the client answers is read as an
offer is, because it says the same: what the client takes, and how it is reached.
"""

from server.errors import NotAcceptable
from server.media.answer import Ours, address, session, stream
from server.media.candidates import Contact
from server.media.codecs import TELEPHONE_EVENT, Codec, Named
from server.media.offer import AUDIO_LEVEL, Offer, read_offer

CODECS = {
    111: Named(Codec("opus", 48_000), "opus/48000/2", ""),
    9: Named(Codec("g722", 8_000), "G722/8000", ""),
    0: Named(Codec("pcmu", 8_000), "PCMU/8000", ""),
    8: Named(Codec("pcma", 8_000), "PCMA/8000", ""),
    110: Named(Codec(TELEPHONE_EVENT, 48_000), "telephone-event/48000", "0-16"),
    126: Named(Codec(TELEPHONE_EVENT, 8_000), "telephone-event/8000", "0-16"),
}
"""What we offer, by payload type, the best first. The numbers are those of browsers."""
LEVEL_ID = 1
MID = "0"


def write_offer(ours: Ours) -> str:
    """The offer's SDP. `ours.setup` is actpass."""
    return "\r\n".join(
        [
            *session(ours),
            f"a=group:BUNDLE {MID}",
            "a=msid-semantic:WMS *",
            f"m=audio {ours.port} UDP/TLS/RTP/SAVPF {' '.join(map(str, CODECS))}",
            address(ours),
            "a=sendrecv",
            f"a=extmap:{LEVEL_ID} {AUDIO_LEVEL}",
            f"a=mid:{MID}",
            *stream(ours, CODECS),
            "",
        ]
    )


def read_answer(sdp: str, contact: Contact) -> Offer:
    """Read the answer to our offer. Raises PeerError, TooLarge or NotAcceptable."""
    answer = read_offer(sdp, contact)
    if answer.transport.setup == "actpass":
        raise NotAcceptable("The answer does not say who begins DTLS.")
    if any(CODECS.get(number, named).codec != named.codec for number, named in answer.codecs.items()):
        raise NotAcceptable("The answer gives our payload types another meaning.")
    return answer
