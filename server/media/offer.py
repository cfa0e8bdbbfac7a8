"""Reads an SDP offer and decides which parts of it we answer (RFC 8866, 3264, 8843). Pure.

It decides before anything is allocated for the offer. We use one audio section and at most one data section, in one
bundle; the number of lines and their lengths are limited. No transport and no decoder is ever made for other sections:

- A video section in the bundle is answered as inactive. aiortc's clients understand this better than a rejection.
- A section that is outside the bundle, closed or unknown is rejected with port 0.

The candidates are taken out of the offer. `Candidates` decides which of them are contacted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from server.errors import NotAcceptable, PeerError, TooLarge
from server.media.candidates import Candidate, Candidates, Contact

MAX_LENGTH = 64 * 1024
"""How many characters an offer may have. The offers of browsers have 2,000 to 8,000."""
MAX_SECTIONS = 8
"""How many sections an offer may have. A page that also sends a camera and a screen has four."""
MAX_SECTION_LINES = 256
"""How many lines a section may have. Chromium's video section has about 150."""
MAX_LINE_LENGTH = 1024
"""How many characters a line may have. The longest lines of browsers, fingerprints and ssrcs, have about 120."""
MAX_CODECS = 32
"""How many audio codecs an offer may have. Chromium offers nine."""

CODECS = frozenset({"opus/48000/2", "pcmu/8000", "pcmu/8000/1", "pcma/8000", "pcma/8000/1"})
"""The audio codecs that we speak, as an `a=rtpmap` line names them, in lower case."""
NO_CODEC = "The offer has no audio codec that the server speaks: Opus, PCMU or PCMA is needed."
NOT_VALID = "The SDP offer is not valid."

_FORBIDDEN = re.compile(r"[^\t\r\n\x20-\x7e\xa0-\u2027\u202a-\U0010ffff]")
"""Control characters, and all other characters that end a line for Python but not for SDP."""
_MEDIA = re.compile(r"([a-z]{1,32}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/]{1,64}) ([\x21-\x7e]+(?: [\x21-\x7e]+)*)")
_MID = re.compile(r"[!-~]{1,64}")
_TRANSPORT_FORMS = {
    "ice-ufrag": re.compile(r"[A-Za-z0-9+/=_-]{4,256}"),
    "ice-pwd": re.compile(r"[A-Za-z0-9+/=_-]{22,256}"),
    "fingerprint": re.compile(r"sha-(?:256|384|512) (?:[0-9A-F]{2}:){31,63}[0-9A-F]{2}", re.IGNORECASE),
    "setup": re.compile(r"actpass|active|passive"),
}
"""The attributes that ICE and DTLS need, and the valid values of each (RFC 8839 and 8122). "-" and "_" are allowed in
the first two because some clients use the URL-safe base64."""
_DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_TRANSPORT = tuple(f"a={attribute}:" for attribute in _TRANSPORT_FORMS)
_LEFT_OUT = (*_TRANSPORT, "a=candidate", "a=end-of-candidates", "a=bundle-only", "a=ice-", "a=mid:", *_DIRECTIONS)
"""The starts of lines that are not copied from the offer, because we write them anew or do not use them."""
_GROUP = re.compile(r"a=group:BUNDLE[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Section:
    """One `m=` section of an offer. `kind` is audio, video, application …; `lines` are all lines but the first."""

    kind: str
    port: int
    protocol: str
    formats: str
    lines: tuple[str, ...]

    @property
    def mid(self) -> str:
        """The section's name in the offer (RFC 5888). Empty if it has none."""
        return next(self.values("mid"), "")

    @property
    def live(self) -> bool:
        """Whether the client uses the section. Port 0 closes it.

        A section that is marked as bundle-only has port 0, too, but it is open: it shares the transport of its bundle
        (RFC 8843, section 6).
        """
        return self.port != 0 or "a=bundle-only" in self.lines

    def values(self, attribute: str) -> Iterator[str]:
        """The values of all lines `a=attribute:value` with this attribute."""
        start = f"a={attribute}:"
        return (line[len(start) :].strip() for line in self.lines if line.startswith(start))

    def refused(self, port: int, *more: str) -> str:
        """Write the answer's section that declines this one. Port 0 rejects it (RFC 3264, section 6)."""
        mid = [f"a=mid:{self.mid}"] if self.mid else []
        lines = [f"m={self.kind} {port} {self.protocol} {self.formats}", "c=IN IP4 0.0.0.0", "a=inactive", *mid, *more]
        return "\r\n".join(lines) + "\r\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What we do with the sections of an offer: some are `used`, some are `idle` (inactive), the rest is rejected."""

    sections: tuple[Section, ...]
    used: tuple[Section, ...]
    idle: tuple[Section, ...]
    bundle: tuple[str, ...]
    """The mids of the sections that share one transport, in the client's order."""

    @property
    def group(self) -> str:
        """The answer's line about its bundle."""
        answered = {section.mid for section in (*self.used, *self.idle)}
        return f"a=group:BUNDLE {' '.join(mid for mid in self.bundle if mid in answered)}"

    @property
    def tagged(self) -> Section:
        """The section whose transport the bundle uses: the first that is answered (RFC 8843, section 7.3.1)."""
        answered = {section.mid: section for section in (*self.used, *self.idle)}
        return next((answered[mid] for mid in self.bundle if mid in answered), self.used[0])


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered."""

    sdp: str
    """The part of the offer that we use, without candidates."""
    contacts: tuple[Candidate, ...]
    """The offer's candidates that are contacted."""
    candidates: Candidates
    """All candidates that the client has sent so far: those of the offer, and those that follow (trickle ICE)."""
    mid: str
    """The mid of the section whose transport is used. Only the candidates of this section count."""
    sends: bool
    """Whether the client will send audio. False for a caller who only listens."""
    _plan: Plan = field(repr=False)

    def completed(self, answer: str) -> str:
        """Add the sections that we do not use to an answer to `sdp`, at the places where the client expects them."""
        head, *answered = re.split(r"^(?=m=)", answer, flags=re.MULTILINE)
        transport = [line for line in answered[0].splitlines() if line.startswith(_TRANSPORT)]
        left, plan = iter(answered), self._plan
        sections = [next(left) if s in plan.used else self._unused(s, transport) for s in plan.sections]
        return _GROUP.sub(lambda _: plan.group, head) + "".join(sections)

    def _unused(self, section: Section, transport: list[str]) -> str:
        if section not in self._plan.idle:
            return section.refused(0)
        formats = [line for line in section.lines if line.startswith(("a=rtpmap:", "a=fmtp:"))]
        return section.refused(9, "a=rtcp-mux", *formats, *transport)


def read_offer(sdp: str, contact: Contact) -> Offer:
    """Read an offer. `contact` says how near to the server a candidate's address may be.

    Raises PeerError, TooLarge or NotAcceptable.
    """
    head, sections = _sections(sdp)
    _check_mids(sections)
    plan = _plan(head, sections)
    transport = _transport(plan.tagged, head)
    candidates = Candidates(contact)
    contacts = [taken for value in plan.tagged.values("candidate") if (taken := candidates.take(value))]
    audio = next(section for section in plan.used if section.kind == "audio")
    sends = _direction(audio, head) in ("a=sendrecv", "a=sendonly")
    return Offer(_written(head, plan, transport), tuple(contacts), candidates, plan.tagged.mid, sends, plan)


def _written(head: list[str], plan: Plan, transport: list[str]) -> str:
    """Write the offer anew, with only the sections that we use. Each gets the transport of the bundle."""
    lines = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0", *transport]
    if plan.bundle:
        mids = {section.mid for section in plan.used}
        lines.append(f"a=group:BUNDLE {' '.join(mid for mid in plan.bundle if mid in mids)}")
    lines += [line for line in head if line in ("a=ice-lite",) or line.startswith("a=msid-semantic:")]
    for section in plan.used:
        lines += [f"m={section.kind} 9 {section.protocol} {section.formats}", _direction(section, head)]
        lines += [f"a=mid:{section.mid}"] if section.mid else []
        lines += [line for line in section.lines if line.startswith("a=") and not line.startswith(_LEFT_OUT)]
    return "\r\n".join(lines) + "\r\n"


def _sections(sdp: str) -> tuple[list[str], tuple[Section, ...]]:
    """Split the offer into the lines of the session and its sections. Raises if they are too many or too long."""
    if len(sdp) > MAX_LENGTH:
        raise TooLarge(f"An offer may have at most {MAX_LENGTH} characters.")
    lines = sdp.replace("\r\n", "\n").split("\n")
    if lines[0] != "v=0" or _FORBIDDEN.search(sdp) or "\r" in "".join(lines):
        raise PeerError(NOT_VALID)
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > MAX_SECTIONS:
        raise NotAcceptable(f"An offer may have at most {MAX_SECTIONS} sections.")
    ends = [*starts, len(lines)]
    longest = max(end - start for start, end in zip([0, *starts], ends, strict=True))
    if longest > MAX_SECTION_LINES or max(map(len, lines)) > MAX_LINE_LENGTH:
        raise TooLarge(
            f"A section of an offer may have at most {MAX_SECTION_LINES} lines of at most {MAX_LINE_LENGTH} characters."
        )
    return lines[: ends[0]], tuple(_section(lines[start:end]) for start, end in zip(starts, ends[1:], strict=True))


def _section(lines: list[str]) -> Section:
    found = _MEDIA.fullmatch(lines[0].removeprefix("m=").rstrip())
    if found is None or int(found[2]) > 65_535:
        raise PeerError(NOT_VALID)
    return Section(found[1], int(found[2]), found[3], found[4], tuple(line for line in lines[1:] if line))


def _plan(head: list[str], sections: tuple[Section, ...]) -> Plan:
    """Choose the sections that are used: the audio section, and the first data section in its bundle."""
    audio = [section for section in sections if section.kind == "audio" and section.live]
    if not audio:
        raise NotAcceptable("The offer has no audio section.")
    if len(audio) > 1:
        raise NotAcceptable("The offer has more than one audio section.")
    _check_codecs(audio[0])
    bundles = [line.split()[1:] for line in head if line.startswith("a=group:BUNDLE")]
    bundle = next((bundle for bundle in bundles if audio[0].mid in bundle), [])
    beside = [section for section in sections if section.live and section.mid in bundle]
    data = [section for section in beside if section.kind == "application" and "SCTP" in section.protocol][:1]
    used = tuple(section for section in sections if section in (audio[0], *data))
    return Plan(sections, used, tuple(section for section in beside if section.kind == "video"), tuple(bundle))


def _check_codecs(audio: Section) -> None:
    names = [value.partition(" ")[2].strip().lower() for value in audio.values("rtpmap")]
    if len(names) > MAX_CODECS or len(audio.formats.split()) > MAX_CODECS:
        raise TooLarge(f"An offer may have at most {MAX_CODECS} audio codecs.")
    if not CODECS & set(names):
        raise NotAcceptable(NO_CODEC)


def _check_mids(sections: tuple[Section, ...]) -> None:
    """Raise PeerError unless each mid is a token, and no two sections have the same one (RFC 5888)."""
    mids = [section.mid for section in sections]
    if len(set(mids)) < len(mids) or not all(_MID.fullmatch(mid) for mid in mids if mid):
        raise PeerError(NOT_VALID)


def _transport(tagged: Section, head: list[str]) -> list[str]:
    """The lines that ICE and DTLS need: a user name, a password, fingerprints and a role.

    They come from the section, or from the session if the section has none. A fingerprint by SHA-1 is ignored, because
    that hash is broken.
    """
    session = Section("session", 0, "", "", tuple(head))
    lines = []
    for attribute, form in _TRANSPORT_FORMS.items():
        values = list(tagged.values(attribute)) or list(session.values(attribute))
        valid = [value for value in values if form.fullmatch(value)]
        if not valid:
            raise PeerError(f"{NOT_VALID} ({attribute})")
        lines += [f"a={attribute}:{value}" for value in (valid if attribute == "fingerprint" else valid[:1])]
    return lines


def _direction(section: Section, head: list[str]) -> str:
    """The direction of the section, or else that of the session, or else both ways (RFC 8866, section 6.7)."""
    return next((line for line in (*section.lines, *head) if line in _DIRECTIONS), "a=sendrecv")
