"""What has happened to the packets of one call: counted here, shown by whoever keeps metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class MediaCounters:
    """Datagrams until a reason is given; packets are RTP. All of them only grow."""

    # What the guard refused, before anything looked inside

    empty: int = 0
    unknown_kind: int = 0
    """Neither STUN, DTLS nor RTP by its first byte (RFC 7983)."""
    unvalidated: int = 0
    """From an address that ICE has not checked, or STUN that does not know our user name."""
    over_rate: int = 0
    """More in a second than any call needs: of authentic sound, or of STUN and DTLS."""
    unauthentic: int = 0
    """SRTP whose tag is wrong, or that was here before."""
    malformed: int = 0
    """What parsing or decoding one of them raised."""

    # What came in

    received: int = 0
    """Authentic RTP packets."""
    duplicate: int = 0
    lost: int = 0
    """Packets that were given up."""
    late: int = 0
    """Of these, the ones that came after all."""
    reordered: int = 0
    """Packets that were waited for, and came."""
    recovered: int = 0
    """Lost packets whose sound was in the next one (in-band FEC)."""
    concealed_ms: int = 0
    """Sound that was made up; silence after it is not counted."""
    silent_ms: int = 0
    """Silence in place of what never came, lost or never sent."""
    too_fast: int = 0
    """Packets with more sound than time has passed for."""

    # What went out

    sent: int = 0
    """RTP packets."""
    sent_silence: int = 0
    """Of these, the ones that say that nobody speaks."""
