"""Counts what happens to the packets of one call.

Metrics read them (`server/call/line/traffic.py`), and RTCP reports read `sent`. The counters only grow; the figures at
the end are the latest ones.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class MediaCounters:
    """The counters of one call."""

    # Datagrams that were dropped

    empty: int = 0
    """Datagrams without a single byte."""
    unknown_kind: int = 0
    """Datagrams whose first byte is neither that of STUN, DTLS nor RTP (RFC 7983)."""
    unvalidated: int = 0
    """Datagrams from an address that ICE has not checked, and STUN messages that do not carry our user name."""
    over_rate: int = 0
    """Datagrams, DTLS records and SCTP packets beyond a limit per second, which is higher than any call needs. There is
    a limit for authentic sound, and one each for RTCP, STUN, DTLS and SCTP."""
    unauthentic: int = 0
    """SRTP packets whose authentication tag is wrong, or that came a second time (a replay)."""
    strange_sender: int = 0
    """SRTP packets of more senders (SSRCs) than a call may have."""
    abusive: int = 0
    """SCTP packets that broke a limit which no client reaches. The first one ends the call."""
    malformed: int = 0
    """Datagrams and packets that made a parser or a decoder raise."""

    # RTP packets that came in

    received: int = 0
    """Authentic packets of a codec that was negotiated."""
    received_bytes: int = 0
    """The sound in them."""
    duplicate: int = 0
    """Packets that came a second time."""
    lost: int = 0
    """Packets that the jitter buffer gave up, because they did not come in time."""
    late: int = 0
    """Packets that came after the jitter buffer had given them up."""
    reordered: int = 0
    """Packets that came out of order, while the jitter buffer waited for them."""
    recovered: int = 0
    """Lost packets whose sound was taken from the copy in the next packet (in-band FEC)."""
    concealed_ms: int = 0
    """Sound that a decoder made up for lost packets. The silence after it is counted in `silent_ms`."""
    silent_ms: int = 0
    """Silence that stands for sound that never came, because it was lost or was never sent."""
    too_fast: int = 0
    """Packets that were dropped because more sound had come than time had passed, or more keys than a machine presses
    in it."""
    unheard: int = 0
    """Packets of sound that were dropped because another sender is heard at present."""

    # RTP packets that went out

    sent: int = 0
    """All packets that we sent."""
    sent_bytes: int = 0
    """The sound in them."""
    sent_silence: int = 0
    """How many of the packets in `sent` only say that the agent is silent."""

    # What the client reports about the packets that we sent (RFC 3550, section 6.4.1)

    reports: int = 0
    """Reports that the client has sent about our packets. While there are none, the figures below mean nothing."""
    lost_percent: float = 0.0
    """The share of our packets that the client has lost lately. Older losses count less."""
    jitter_ms: float = 0.0
    """How unevenly our packets come to the client."""
    round_trip_ms: float | None = None
    """How long a packet takes to the client and back. None while it is not known."""


DROPS = (
    *("empty", "unknown_kind", "unvalidated", "over_rate", "unauthentic", "strange_sender", "abusive", "malformed"),
    *("duplicate", "too_fast", "unheard", "lost"),
)
"""The counters of what was not used."""
