"""What of an SDP offer is answered (RFC 8866, 3264, 8843): pure, and decided before anything is allocated for it.

One audio section and at most one data section, in one bundle, are handed on, each line of them bounded. No transport
and no decoder ever exists for any other: video in the bundle is answered as inactive, which aiortc's clients understand
better than a refusal; what is outside of the bundle, closed or unknown is rejected, with port 0. Candidates are taken
out: `Candidates` says which are contacted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from server.errors import NotAcceptable, PeerError, TooLarge
from server.media.candidates import Candidate, Candidates, Contact

MAX_LENGTH = 64 * 1024
"""Characters; browsers' offers have 2,000 to 8,000."""
MAX_SECTIONS = 8
"""A page that also sends a camera and a screen has four."""
MAX_SECTION_LINES = 256
"""Chromium's video section has about 150."""
MAX_LINE_LENGTH = 1024
"""The longest line of a browser, a fingerprint or an ssrc, has about 120 characters."""
MAX_CODECS = 32
"""Of audio; Chromium offers nine."""

CODECS = frozenset({"opus/48000/2", "pcmu/8000", "pcmu/8000/1", "pcma/8000", "pcma/8000/1"})
NO_CODEC = "There is no audio codec in common: Opus, PCMU or PCMA is needed."
NOT_VALID = "The SDP offer is not valid."

_FORBIDDEN = re.compile(r"[^\t\r\n\x20-\x7e\xa0-\u2027\u202a-\U0010ffff]")
"""Control characters, and all else that ends a line for Python but not for SDP."""
_MEDIA = re.compile(r"([a-z]{1,32}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/]{1,64}) ([\x21-\x7e]+(?: [\x21-\x7e]+)*)")
_MID = re.compile(r"[!-~]{1,64}")
_TRANSPORT_FORMS = {
    "ice-ufrag": re.compile(r"[A-Za-z0-9+/=_-]{4,256}"),
    "ice-pwd": re.compile(r"[A-Za-z0-9+/=_-]{22,256}"),
    "fingerprint": re.compile(r"sha-(?:256|384|512) (?:[0-9A-F]{2}:){31,63}[0-9A-F]{2}", re.IGNORECASE),
    "setup": re.compile(r"actpass|active|passive"),
}
"""RFC 8839 and 8122; some clients write ICE names in the base64 of URLs."""
_DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_TRANSPORT = tuple(f"a={attribute}:" for attribute in _TRANSPORT_FORMS)
_LEFT_OUT = (*_TRANSPORT, "a=candidate", "a=end-of-candidates", "a=bundle-only", "a=ice-", "a=mid:", *_DIRECTIONS)
_GROUP = re.compile(r"a=group:BUNDLE[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Section:
    """One `m=` section. `kind` is audio, video, application …; `lines` are all after the first."""

    kind: str
    port: int
    protocol: str
    formats: str
    lines: tuple[str, ...]

    @property
    def mid(self) -> str:
        return next(self.values("mid"), "")

    @property
    def live(self) -> bool:
        """Port 0 closes a section, but for one that shares the transport of its bundle (RFC 8843, section 6)."""
        return self.port != 0 or "a=bundle-only" in self.lines

    def values(self, attribute: str) -> Iterator[str]:
        """The values of `a=attribute:value`."""
        start = f"a={attribute}:"
        return (line[len(start) :].strip() for line in self.lines if line.startswith(start))

    def refused(self, port: int, *more: str) -> str:
        """The section of the answer that says no: port 0 rejects it (RFC 3264, section 6)."""
        mid = [f"a=mid:{self.mid}"] if self.mid else []
        lines = [f"m={self.kind} {port} {self.protocol} {self.formats}", "c=IN IP4 0.0.0.0", "a=inactive", *mid, *more]
        return "\r\n".join(lines) + "\r\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the sections of an offer: some are `used`, some `idle` (inactive), the rest is rejected."""

    sections: tuple[Section, ...]
    used: tuple[Section, ...]
    idle: tuple[Section, ...]
    bundle: tuple[str, ...]
    """The mids that share the transport, in the caller's order."""

    @property
    def group(self) -> str:
        answered = {section.mid for section in (*self.used, *self.idle)}
        return f"a=group:BUNDLE {' '.join(mid for mid in self.bundle if mid in answered)}"

    @property
    def tagged(self) -> Section:
        """The section whose transport is the bundle's: the first that is answered (RFC 8843, section 7.3.1)."""
        answered = {section.mid: section for section in (*self.used, *self.idle)}
        return next((answered[mid] for mid in self.bundle if mid in answered), self.used[0])


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered: `sdp` has only what is used of it, and no candidates."""

    sdp: str
    contacts: tuple[Candidate, ...]
    candidates: Candidates
    """All that the caller has named so far: those of the offer, and those that follow."""
    mid: str
    """Of the section whose transport is used: only its candidates count."""
    sends: bool
    """Whether the caller's audio will come: false for one who only listens."""
    _plan: Plan = field(repr=False)

    def completed(self, answer: str) -> str:
        """An answer to `sdp`, with the sections that it leaves out where the caller expects them."""
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
    """`contact`: how near an address of the caller may be. Raises PeerError, TooLarge or NotAcceptable."""
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
    """The offer with the sections in use alone, each with the transport of the bundle."""
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
    """The lines of the session, and its sections, all bounded."""
    if len(sdp) > MAX_LENGTH:
        raise TooLarge(f"An offer may have {MAX_LENGTH} characters.")
    lines = sdp.replace("\r\n", "\n").split("\n")
    if lines[0] != "v=0" or _FORBIDDEN.search(sdp) or "\r" in "".join(lines):
        raise PeerError(NOT_VALID)
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > MAX_SECTIONS:
        raise NotAcceptable(f"An offer may have {MAX_SECTIONS} sections.")
    ends = [*starts, len(lines)]
    longest = max(end - start for start, end in zip([0, *starts], ends, strict=True))
    if longest > MAX_SECTION_LINES or max(map(len, lines)) > MAX_LINE_LENGTH:
        raise TooLarge(f"A section of an offer may have {MAX_SECTION_LINES} lines of {MAX_LINE_LENGTH} characters.")
    return lines[: ends[0]], tuple(_section(lines[start:end]) for start, end in zip(starts, ends[1:], strict=True))


def _section(lines: list[str]) -> Section:
    found = _MEDIA.fullmatch(lines[0].removeprefix("m=").rstrip())
    if found is None or int(found[2]) > 65_535:
        raise PeerError(NOT_VALID)
    return Section(found[1], int(found[2]), found[3], found[4], tuple(line for line in lines[1:] if line))


def _plan(head: list[str], sections: tuple[Section, ...]) -> Plan:
    """The audio section and the first data section beside it are used, in the order of the offer."""
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
        raise TooLarge(f"An offer may have {MAX_CODECS} audio codecs.")
    if not CODECS & set(names):
        raise NotAcceptable(NO_CODEC)


def _check_mids(sections: tuple[Section, ...]) -> None:
    """They are tokens, and each is another's name for nothing (RFC 5888)."""
    mids = [section.mid for section in sections]
    if len(set(mids)) < len(mids) or not all(_MID.fullmatch(mid) for mid in mids if mid):
        raise PeerError(NOT_VALID)


def _transport(tagged: Section, head: list[str]) -> list[str]:
    """What ICE and DTLS need: a name, a password, fingerprints and a role, of the section or else of the session.

    A fingerprint by a hash that is broken (SHA-1) counts for nothing.
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
    """Of the section, else of the session, else both ways (RFC 8866, section 6.7)."""
    return next((line for line in (*section.lines, *head) if line in _DIRECTIONS), "a=sendrecv")
