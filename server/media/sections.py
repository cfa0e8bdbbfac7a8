"""Splits an SDP offer into its sections (RFC 8866). Pure. The number of lines and their lengths are limited."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from server.errors import NotAcceptable, PeerError, TooLarge

MAX_LENGTH = 64 * 1024
"""How many characters an offer may have. The offers of browsers have 2,000 to 8,000."""
MAX_SECTIONS = 32
"""How many sections an offer may have. A page that also sends a camera and a screen has four. Each track that is
removed and added again leaves one more behind."""
MAX_SECTION_LINES = 256
"""How many lines a section may have. Chromium's video section has about 150."""
MAX_LINE_LENGTH = 1024
"""How many characters a line may have. The longest lines of browsers, fingerprints and ssrcs, have about 120."""
MAX_QUOTED = 80
"""How much of a line is quoted when an offer is refused because of it."""
NOT_VALID = "The SDP offer is not valid"

_FORBIDDEN = re.compile(r"[^\t\r\n\x20-\x7e\xa0-\u2027\u202a-\U0010ffff]")
"""Control characters, and all other characters that end a line for Python but not for SDP."""
_MEDIA = re.compile(r"([a-z-]{1,32}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([!-~]{1,64}) ([\x21-\x7e]+(?: [\x21-\x7e]+)*)")
_MID = re.compile(r"[!-~]{1,64}")
DIRECTIONS = ("inactive", "sendonly", "recvonly", "sendrecv")


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

    def direction(self, session: "Section") -> str:
        """The direction of the section, or else that of the session, or else both ways (RFC 8866, section 6.7)."""
        said = (line.removeprefix("a=") for line in (*self.lines, *session.lines))
        return next((word for word in said if word in DIRECTIONS), "sendrecv")


def split(sdp: str) -> tuple[Section, tuple[Section, ...]]:
    """Split an offer into its session part, as a section without formats, and its media sections.

    Raises PeerError, TooLarge or NotAcceptable, with the line that is wrong.
    """
    if len(sdp) > MAX_LENGTH:
        raise TooLarge(f"An offer may have at most {MAX_LENGTH} characters.")
    lines = [line.rstrip(" ") for line in sdp.replace("\r\n", "\n").split("\n")]
    if lines[0] != "v=0":
        raise invalid(lines[0], 'its first line has to be "v=0"')
    for line in lines:
        if "\r" in line or _FORBIDDEN.search(line):
            raise invalid(line, "it has a control character")
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > MAX_SECTIONS:
        raise NotAcceptable(f"An offer may have at most {MAX_SECTIONS} sections.")
    ends = [*starts, len(lines)]
    longest = max(end - start for start, end in zip([0, *starts], ends, strict=True))
    if longest > MAX_SECTION_LINES or max(map(len, lines)) > MAX_LINE_LENGTH:
        raise TooLarge(
            f"A section of an offer may have at most {MAX_SECTION_LINES} lines of at most {MAX_LINE_LENGTH} characters."
        )
    sections = tuple(_section(lines[start:end]) for start, end in zip(starts, ends[1:], strict=True))
    _check_mids(sections)
    return Section("session", 0, "", "", tuple(lines[: ends[0]])), sections


def invalid(line: str, why: str) -> PeerError:
    """The refusal of an offer because of one line."""
    shown = "".join(character if character.isprintable() else "?" for character in line[:MAX_QUOTED])
    return PeerError(f'{NOT_VALID}: {why} (line "{shown}").')


def _section(lines: list[str]) -> Section:
    found = _MEDIA.fullmatch(lines[0].removeprefix("m="))
    if found is None or int(found[2]) > 65_535:
        raise invalid(lines[0], "a section has to begin with its kind, port, protocol and formats")
    return Section(found[1], int(found[2]), found[3], found[4], tuple(line for line in lines[1:] if line))


def _check_mids(sections: tuple[Section, ...]) -> None:
    """Raise PeerError unless each mid is a token, and no two sections have the same one (RFC 5888)."""
    seen: set[str] = set()
    for section in sections:
        mid = section.mid
        if mid and (not _MID.fullmatch(mid) or mid in seen):
            raise invalid(f"a=mid:{mid}", "each section needs a name of its own, without blanks")
        seen.add(mid)
