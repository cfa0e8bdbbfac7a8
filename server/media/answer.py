"""Writes the answer to an offer (RFC 3264, 8843). Pure.

It has a section for each one of the offer, in the same order: those that we use, with all our candidates; those that
we keep as inactive; and the rest, which is rejected with port 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.media.codecs import TELEPHONE_EVENT, Named
from server.media.offer import AUDIO_LEVEL, Offer, idle
from server.media.sections import Section

_REVERSED = {"sendonly": "recvonly", "recvonly": "sendonly"}
_OPUS = "minptime=10;useinbandfec=1"
"""What we would like to receive (RFC 7587, section 6.1)."""


@dataclass(frozen=True, slots=True)
class Ours:
    """Our side of a call."""

    ufrag: str
    password: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    """Our part in DTLS: active or passive; in an offer of ours actpass."""
    candidates: tuple[str, ...]
    """The values of our `a=candidate` lines."""
    host: str
    """The address of one of them, for clients that do not know ICE."""
    port: int
    session: int
    """The number of our SDP session. It stays the same for all answers of one connection."""
    version: int
    """The version of that session. It grows with each answer."""
    stream: str
    track: str
    ssrc: int
    cname: str
    sctp_port: int = 5000
    max_message_bytes: int = 65_536


def write_answer(offer: Offer, ours: Ours) -> str:
    """The answer's SDP."""
    sections = [_section(section, offer, ours) for section in offer.sections]
    head = session(ours)
    answered = {s.mid for s in offer.sections if _used(s, offer) or idle(s, offer)}
    if bundle := [mid for mid in offer.bundle if mid in answered]:
        head.append(f"a=group:BUNDLE {' '.join(bundle)}")
    head.append("a=msid-semantic:WMS *")
    return "\r\n".join([*head, *(line for section in sections for line in section)]) + "\r\n"


def session(ours: Ours) -> list[str]:
    """The first lines."""
    return ["v=0", f"o=- {ours.session} {ours.version} IN IP4 0.0.0.0", "s=-", "t=0 0"]


def reversed_direction(direction: str) -> str:
    """A direction as the other side sees it."""
    return _REVERSED.get(direction, direction)


def _used(section: Section, offer: Offer) -> bool:
    return section is offer.audio or (offer.data is not None and section is offer.data.section)


def _section(section: Section, offer: Offer, ours: Ours) -> list[str]:
    if section is offer.audio:
        return _audio(section, offer, ours)
    if offer.data is not None and section is offer.data.section:
        return _data(section, ours)
    kept = idle(section, offer)
    lines = [f"m={section.kind} {9 if kept else 0} {section.protocol} {section.formats}", "c=IN IP4 0.0.0.0"]
    lines += ["a=inactive", *_mid(section)]
    if kept:
        lines += ["a=rtcp-mux", *(line for line in section.lines if line.startswith(("a=rtpmap:", "a=fmtp:")))]
        lines += _credentials(ours)
    return lines


def _audio(section: Section, offer: Offer, ours: Ours) -> list[str]:
    types = " ".join(map(str, offer.codecs))
    return [
        f"m=audio {ours.port} {section.protocol} {types}",
        address(ours),
        f"a={reversed_direction(offer.direction)}",
        *([f"a=extmap:{offer.level_id} {AUDIO_LEVEL}"] if offer.level_id is not None else []),
        *_mid(section),
        *stream(ours, offer.codecs),
    ]


def stream(ours: Ours, codecs: Mapping[int, Named]) -> list[str]:
    """The lines of an audio section that say what we send, by which codecs and by which transport."""
    return [
        f"a=msid:{ours.stream} {ours.track}",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=rtcp-mux",
        f"a=ssrc:{ours.ssrc} cname:{ours.cname}",
        *(line for number, named in codecs.items() for line in _codec(number, named)),
        *_transport(ours),
    ]


def _codec(number: int, named: Named) -> list[str]:
    lines = [f"a=rtpmap:{number} {named.spelling}"]
    if named.codec.name == "opus":
        lines.append(f"a=fmtp:{number} {_OPUS}")
    elif named.codec.name == TELEPHONE_EVENT and named.parameters:
        lines.append(f"a=fmtp:{number} {named.parameters}")
    return lines


def _data(section: Section, ours: Ours) -> list[str]:
    legacy = section.protocol == "DTLS/SCTP"
    formats = str(ours.sctp_port) if legacy else section.formats
    port = f"a=sctpmap:{ours.sctp_port} webrtc-datachannel 65535" if legacy else f"a=sctp-port:{ours.sctp_port}"
    return [
        f"m=application {ours.port} {section.protocol} {formats}",
        address(ours),
        *_mid(section),
        port,
        f"a=max-message-size:{ours.max_message_bytes}",
        *_transport(ours),
    ]


def _mid(section: Section) -> list[str]:
    return [f"a=mid:{section.mid}"] if section.mid else []


def address(ours: Ours) -> str:
    return f"c=IN IP{6 if ':' in ours.host else 4} {ours.host}"


def _transport(ours: Ours) -> list[str]:
    candidates = [f"a=candidate:{candidate}" for candidate in ours.candidates]
    return [*candidates, "a=end-of-candidates", *_credentials(ours)]


def _credentials(ours: Ours) -> list[str]:
    prints = [f"a=fingerprint:{name} {value}" for name, value in ours.fingerprints]
    return [f"a=ice-ufrag:{ours.ufrag}", f"a=ice-pwd:{ours.password}", *prints, f"a=setup:{ours.setup}"]
