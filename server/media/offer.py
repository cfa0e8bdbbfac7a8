"""Reads an SDP offer and decides which parts of it we use (RFC 8866, 3264, 8843). Pure.

It decides before anything is allocated for the offer. We use one audio section and at most one data section, in one
bundle. No transport and no decoder is ever made for other sections. Of several audio sections the one counts that
goes both ways, or else the one in which the client sends: browsers leave the old section of a removed track behind.

Only lines that are used are read. A line that is not used never refuses an offer, whatever it says.
"""

import re
from dataclasses import dataclass, field, replace

from server.errors import NotAcceptable
from server.media.candidates import Candidate, Candidates, Contact
from server.media.codecs import Codec, Named, common
from server.media.sections import Section, invalid, split

_TRANSPORT_FORMS = {
    "ice-ufrag": re.compile(r"[A-Za-z0-9+/=_-]{4,256}"),
    "ice-pwd": re.compile(r"[A-Za-z0-9+/=_-]{22,256}"),
    "fingerprint": re.compile(r"sha-(?:256|384|512) (?:[0-9A-F]{2}:){31,63}[0-9A-F]{2}", re.IGNORECASE),
    "setup": re.compile(r"actpass|active|passive"),
}
"""The attributes that ICE and DTLS need, and the valid values of each (RFC 8839 and 8122). "-" and "_" are allowed in
the first two because some clients use the URL-safe base64."""
_DEFAULTS = {"setup": ["active"]}
"""What holds without a line of this attribute (RFC 4145, section 4)."""
_PREFERRED = ("sendrecv", "sendonly", "recvonly", "inactive")
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_ORIGIN = re.compile(r"o=(\S+ \S+) ([0-9]{1,30}) .*")
DEFAULT_SCTP_PORT = 5000
DEFAULT_MESSAGE_BYTES = 65_536
"""How long a message to the client may be, if its offer does not say it (RFC 8841, section 6)."""
MAX_MESSAGE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Transport:
    """What ICE and DTLS need to know of the client."""

    ufrag: str
    password: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    """Pairs of a hash function and a fingerprint. Those by SHA-1 are left out, because that hash is broken."""
    setup: str
    """The client's part in DTLS: actpass, active or passive."""
    lite: bool
    """The client only answers checks (ICE lite)."""


@dataclass(frozen=True, slots=True)
class DataSection:
    """The data section that is used: the client's SCTP."""

    section: Section
    port: int
    max_message_bytes: int
    """The longest message that the client takes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered."""

    sections: tuple[Section, ...]
    audio: Section | None
    """The audio section that is used. None if the client has closed the sound of a live call."""
    codecs: dict[int, Named]
    direction: str
    """The direction of the sound, as the client sees it."""
    level_id: int | None
    """The id of the header extension with the audio level (RFC 6464)."""
    data: DataSection | None
    bundle: tuple[str, ...]
    """The mids of the sections that share one transport, in the client's order."""
    transport: Transport
    contacts: tuple[Candidate, ...]
    """The offer's candidates that are contacted."""
    candidates: Candidates
    """All candidates that the client has sent so far: those of the offer, and those that follow (trickle ICE)."""
    mid: str
    """The mid of the section whose transport is used. Only the candidates of this section count."""
    origin: str
    """The name and number of the client's SDP session (RFC 8866, section 5.2). Empty if the offer has none."""
    version: int
    """The version of that session. It grows with each offer."""

    @property
    def sends(self) -> bool:
        """Whether the client sends sound."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Whether the client takes our sound."""
        return self.direction in ("sendrecv", "recvonly")

    @property
    def voice(self) -> tuple[int, Codec] | None:
        """The payload type and the codec by which we speak. None without a sound section."""
        return next(((number, named.codec) for number, named in self.codecs.items() if named.codec.speaks), None)

    def continues(self, before: "Offer") -> bool:
        """Whether this offer and the one `before` come from the same connection of the client (RTCPeerConnection).

        The same certificate alone does not tell, because a page may use one certificate for several connections. Nor
        does the session alone: some clients give each offer a new one, and keep their ICE credentials.
        """
        ours, theirs = self.transport, before.transport
        same_session = bool(self.origin) and self.origin == before.origin
        return set(ours.fingerprints) == set(theirs.fingerprints) and (same_session or not self.restarts(before))

    def restarts(self, before: "Offer") -> bool:
        """Whether the client has new ICE credentials since the offer `before` (ICE restart; RFC 8445, section 9)."""
        ours, theirs = self.transport, before.transport
        return (ours.ufrag, ours.password) != (theirs.ufrag, theirs.password)

    def with_credentials(self, ufrag: str, password: str) -> "Offer":
        """This offer with new ICE credentials, and without candidates. Raises PeerError if they are not valid."""
        for attribute, value in (("ice-ufrag", ufrag), ("ice-pwd", password)):
            if not _TRANSPORT_FORMS[attribute].fullmatch(value):
                raise invalid(f"a={attribute}:{value}", f"it needs a valid a={attribute} line")
        transport = replace(self.transport, ufrag=ufrag, password=password)
        return replace(self, transport=transport, contacts=(), candidates=self.candidates.anew())


def read_offer(sdp: str, contact: Contact, live: bool = False) -> Offer:
    """Read an offer. `contact` says how near to the server a candidate's address may be.

    `live`: the offer changes a call, which may close its sound. Raises PeerError, TooLarge or NotAcceptable.
    """
    head, sections = split(sdp)
    bundles = [line.split()[1:] for line in head.lines if line.startswith("a=group:BUNDLE")]
    audio = _audio(head, sections)
    if audio is None and not (live and bundles):
        raise NotAcceptable("The offer has no audio section.")
    bundle = next((mids for mids in bundles if audio is None or audio.mid in mids), [])
    data = _data([section for section in sections if section.live and section.mid in bundle])
    used = [section for section in (audio, data.section if data else None) if section is not None]
    if not used:
        raise NotAcceptable("The offer has no audio section.")
    tagged = _tagged(sections, bundle, used)
    candidates = Candidates(contact)
    contacts = [taken for value in tagged.values("candidate") if (taken := candidates.take(value))]
    origin, version = _origin(head)
    return Offer(
        sections=sections,
        audio=audio,
        codecs={} if audio is None else dict(common(audio)),
        direction="inactive" if audio is None else audio.direction(head),
        level_id=None if audio is None else _level_id(audio),
        data=data,
        bundle=tuple(bundle),
        transport=_transport(tagged, head),
        contacts=tuple(contacts),
        candidates=candidates,
        mid=tagged.mid,
        origin=origin,
        version=version,
    )


def idle(section: Section, offer: Offer) -> bool:
    """Whether the answer keeps a section that we do not use, as inactive. The others are rejected with port 0.

    Clients understand an inactive section better than a rejected one, which they close for good.
    """
    return section.live and section.mid in offer.bundle and section.kind in ("audio", "video")


def _audio(head: Section, sections: tuple[Section, ...]) -> Section | None:
    live = [section for section in sections if section.kind == "audio" and section.live]
    return min(live, key=lambda section: _PREFERRED.index(section.direction(head)), default=None)


def _data(beside: list[Section]) -> DataSection | None:
    found = next((section for section in beside if section.kind == "application" and "SCTP" in section.protocol), None)
    if found is None:
        return None
    first = found.formats.split()[0]  # before RFC 8841, the port stood here
    port = _number(first if first.isdigit() else next(found.values("sctp-port"), ""), DEFAULT_SCTP_PORT)
    longest = _number(next(found.values("max-message-size"), ""), DEFAULT_MESSAGE_BYTES)
    return DataSection(found, port if port < 65_536 else DEFAULT_SCTP_PORT, min(longest, MAX_MESSAGE_BYTES))


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else default


def _tagged(sections: tuple[Section, ...], bundle: list[str], used: list[Section]) -> Section:
    """The section whose transport the bundle uses: the first that is answered (RFC 8843, section 7.3.1)."""
    answered = {s.mid: s for s in sections if s in used or (s.live and s.kind in ("audio", "video"))}
    return next((answered[mid] for mid in bundle if mid in answered), used[0])


def _transport(tagged: Section, head: Section) -> Transport:
    """What ICE and DTLS need. It comes from the section, or from the session if the section has none."""
    found = {}
    for attribute, form in _TRANSPORT_FORMS.items():
        values = list(tagged.values(attribute)) or list(head.values(attribute)) or _DEFAULTS.get(attribute, [])
        found[attribute] = [value for value in values if form.fullmatch(value)]
        if not found[attribute]:
            line = f"a={attribute}:{values[0]}" if values else f"m={tagged.kind} {tagged.port} {tagged.protocol}"
            raise invalid(line, f"it needs a valid a={attribute} line")
    hashes = tuple((name.lower(), value.upper()) for name, value in (f.split() for f in found["fingerprint"]))
    lite = "a=ice-lite" in head.lines
    return Transport(found["ice-ufrag"][0], found["ice-pwd"][0], hashes, found["setup"][0], lite)


def _level_id(audio: Section) -> int | None:
    """The id of the audio level extension. It may have a direction and attributes (RFC 8285, section 5)."""
    for value in audio.values("extmap"):
        number, _, rest = value.partition(" ")
        number = number.partition("/")[0]
        if rest.split()[:1] == [AUDIO_LEVEL] and number.isascii() and number.isdigit() and 0 < int(number[:4]) < 15:
            return int(number)
    return None


def _origin(head: Section) -> tuple[str, int]:
    found = next((found for line in head.lines if (found := _ORIGIN.fullmatch(line))), None)
    return ("", 0) if found is None else (found[1], int(found[2]))
