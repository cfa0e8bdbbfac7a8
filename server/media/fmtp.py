"""The parameters of Opus in SDP (RFC 7587, section 6.1): those of the offer, and ours in the answer. Pure.

Each side says what it would like to receive.
"""

from collections.abc import Mapping

_OURS = "minptime=10;useinbandfec=1"


def uses_copies(offered: Mapping[str, object]) -> bool:
    """Whether the client's decoder uses copies of lost sound (in-band FEC), by the parameters in its offer."""
    return str(offered.get("useinbandfec", 0)) == "1"


def written(sdp: str) -> str:
    """Add our parameters to the answer. aiortc does not write any."""
    lines = []
    for line in sdp.splitlines():
        lines.append(line)
        if line.startswith("a=rtpmap:") and line.lower().endswith((" opus/48000/2", " opus/48000")):
            lines.append(f"a=fmtp:{line[9:].split()[0]} {_OURS}")
    return "\r\n".join(lines) + "\r\n"
