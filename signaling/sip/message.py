"""A SIP message: reads what a phone has sent, and writes what it is sent (RFC 3261, section 7; RFC 7118). Pure.

Each message is one message of a WebSocket. The package `sipmessage` reads addresses, URIs and Via; what it takes
amiss is put in order before, and what it does not check is checked here. The values of headers stay as they were sent:
`sipmessage` would write some of them in another way.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sipmessage import URI, Address, CSeq
from sipmessage.message import COMPACT_FORMS

from signaling.sip.address import read_address, read_branch, read_uri

MAX_BYTES = 64 * 1024
"""How large a message may be. An INVITE of a browser has 2 to 8 KB."""
MAX_HEADERS = 128
MAX_LINE_CHARS = 8_192
"""How long a header may be. One that has a token has about 4,000 characters."""
MAX_BRANCH_CHARS = 256
MAX_ID_CHARS = 256
MAGIC = "z9hG4bK"
"""How a branch begins (RFC 3261, section 8.1.1.7)."""
MOST_CSEQ = 2**31 - 1

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,256}")
_FOLD = re.compile(r"\r\n[ \t]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):.+")
_SINGLE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "expires")
"""Headers of which a message has only one. Two of them could be read in two ways."""
_NOT_IN_A_VALUE = re.compile(r"(?<!\\)\x00|[\r\n]")
"""An escaped NUL may be in quotes (RFC 3261, section 25.1: quoted-pair)."""
_COMPACT = {short: name.lower() for short, name in COMPACT_FORMS.items()}

PHRASES = {
    100: "Trying", 180: "Ringing", 200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    413: "Request Entity Too Large", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
    420: "Bad Extension", 422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 500: "Server Internal Error",
    501: "Not Implemented", 503: "Service Unavailable", 505: "Version Not Supported", 513: "Message Too Large",
    603: "Decline",
}  # fmt: skip


class Headers:
    """The headers of a message, in their order. Capitals in a name do not matter."""

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self.lines = tuple(lines)

    def all(self, name: str) -> list[str]:
        """The values of all headers of this name, as they were sent."""
        return [value for each, value in self.lines if each.lower() == name.lower()]

    def get(self, name: str) -> str:
        """The first value; "" if there is none."""
        return next(iter(self.all(name)), "")

    def has(self, name: str) -> bool:
        return bool(self.all(name))

    def words(self, name: str) -> list[str]:
        """The parts of a header that is a list of words, such as Supported, as they were sent."""
        return [part.strip() for value in self.all(name) for part in value.split(",") if part.strip()]

    def tokens(self, name: str) -> list[str]:
        """The words of a header, in lower case."""
        return [word.lower() for word in self.words(name)]


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is valid, as far as every request has to be."""

    method: str
    uri: str
    """The request URI as it was sent."""
    target: URI
    headers: Headers
    body: bytes = field(repr=False)
    sender: Address
    """The header From."""
    to: Address
    call_id: str
    cseq: int
    branch: str
    """The branch of the topmost Via, by which the transaction is known, or what takes its place."""

    @property
    def from_tag(self) -> str:
        return self.sender.parameters.get("tag") or ""

    @property
    def to_tag(self) -> str:
        """The tag of the header To; "" for a request outside of a dialog."""
        return self.to.parameters.get("tag") or ""

    @property
    def content_type(self) -> str:
        """The type of the body, without parameters, in lower case."""
        return self.headers.get("Content-Type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Response:
    """A response to a request of ours."""

    code: int
    headers: Headers
    body: bytes = field(repr=False)
    to: Address
    call_id: str
    cseq: int
    method: str
    branch: str

    @property
    def to_tag(self) -> str:
        return self.to.parameters.get("tag") or ""


class Malformed(Exception):
    """A message that cannot be used. `headers` are those of a request that can be answered with `code`; None: it
    cannot be answered."""

    def __init__(self, code: int, why: str, headers: Headers | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.headers = headers


def read(data: str | bytes) -> Request | Response | None:
    """Read one message. None for an empty one, which only says that the phone is there (RFC 5626, section 3.5.1).

    Raises Malformed.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise Malformed(513, f"A message may have at most {MAX_BYTES} bytes.")
    raw = raw.lstrip(b"\r\n")
    if not raw:
        return None
    head, blank, body = raw.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "replace")
    first, *lines = _FOLD.sub(" ", text).split("\r\n")
    headers, wrong = _headers(lines)
    if not blank:
        wrong = 400, "The headers have no end."
    elif text.encode() != head:
        wrong = 400, "The headers are not UTF-8."
    if wrong is not None:
        raise Malformed(*wrong, headers if _answerable(first, headers) else None)
    if _is_response(first):
        return _response(first, headers, body)
    return _request(first, headers, body)


def _headers(lines: list[str]) -> tuple[Headers, tuple[int, str] | None]:
    """The headers that are valid; and how to refuse the message if others are not."""
    found, wrong = [], None
    if len(lines) > MAX_HEADERS or any(len(line) > MAX_LINE_CHARS for line in lines):
        wrong = 513, "The headers are too many or too long."
    for line in lines[:MAX_HEADERS]:
        name, colon, value = line.partition(":")
        name = name.strip(" \t")
        if not colon or not _TOKEN.fullmatch(name) or _NOT_IN_A_VALUE.search(line):
            wrong = wrong or (400, "A header is not valid.")
        elif len(line) <= MAX_LINE_CHARS:
            found.append((_COMPACT.get(name.lower(), name), value.strip(" \t")))
    return Headers(found), wrong


def _is_response(first: str) -> bool:
    return first[:8].upper() == "SIP/2.0 "


def _request(first: str, headers: Headers, body: bytes) -> Request:
    answerable = headers if _answerable(first, headers) else None
    try:
        method, uri, version = first.split(" ")
    except ValueError as exc:
        raise Malformed(400, "The first line is not one of SIP.", answerable) from exc
    if not _TOKEN.fullmatch(method) or not re.fullmatch(r"SIP/\d+\.\d+", version, re.IGNORECASE):
        raise Malformed(400, "The first line is not one of SIP.", answerable)
    if version.upper() != "SIP/2.0":
        raise Malformed(505, "Only SIP/2.0 is spoken here.", answerable)
    scheme = _SCHEME.fullmatch(uri)
    if scheme is not None and scheme[1].lower() not in ("sip", "sips", "tel"):
        raise Malformed(416, "The request URI is of an unknown scheme.", answerable)
    try:
        to, sender, call_id, cseq, branch = _common(headers)
        target, body = read_uri(uri), _body(headers, body)
        if not sender.parameters.get("tag"):
            raise ValueError("From has no tag")
        if cseq.method != method:
            raise ValueError("CSeq is of another method")
        for name in ("Max-Forwards", "Expires"):
            if headers.has(name) and not re.fullmatch(r"[0-9]{1,10}", headers.get(name)):
                raise ValueError(f"{name} is not a number")
    except (ValueError, TypeError, KeyError, IndexError) as exc:  # what sipmessage raises
        raise Malformed(400, f"The request is not valid: {exc}.", answerable) from exc
    return Request(method, uri, target, headers, body, sender, to, call_id, cseq.sequence, branch)


def _response(first: str, headers: Headers, body: bytes) -> Response:
    code = first[8:11]
    try:
        if not re.fullmatch(r"[1-6][0-9]{2}", code) or first[11:12] not in ("", " "):
            raise ValueError("the first line is not that of a response")
        to, _, call_id, cseq, branch = _common(headers)
        return Response(int(code), headers, _body(headers, body), to, call_id, cseq.sequence, cseq.method, branch)
    except (ValueError, TypeError, KeyError, IndexError) as exc:
        raise Malformed(400, f"The response is not valid: {exc}.") from exc


def _common(headers: Headers) -> tuple[Address, Address, str, CSeq, str]:
    """To, From, Call-ID, CSeq and the branch. Raises ValueError when one is missing or not valid."""
    for name in _SINGLE:
        if len(headers.all(name)) > 1:
            raise ValueError(f"there is more than one {name}")
    to, sender = read_address(headers.get("To")), read_address(headers.get("From"))
    cseq, call_id = CSeq.parse(headers.get("CSeq")), headers.get("Call-ID")
    if not call_id or len(call_id) > MAX_ID_CHARS or " " in call_id:
        raise ValueError("Call-ID is missing or not valid")
    if cseq.sequence > MOST_CSEQ:
        raise ValueError("CSeq is too large")
    for address in (to, sender):
        if len(address.parameters.get("tag") or "") > MAX_ID_CHARS:
            raise ValueError("a tag is too long")
    branch = read_branch(headers.get("Via"))
    if branch == MAGIC or len(branch) > MAX_BRANCH_CHARS:
        raise ValueError("the branch of Via is not valid")
    if not branch.startswith(MAGIC):  # of a phone before RFC 3261: section 17.2.3 says what it is known by
        parts = headers.get("Via"), call_id, str(cseq.sequence), sender.parameters.get("tag") or ""
        branch = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return to, sender, call_id, cseq, branch


def _body(headers: Headers, body: bytes) -> bytes:
    """The body, as long as Content-Length says. Raises ValueError."""
    if not headers.has("Content-Length"):
        return body
    length = headers.get("Content-Length")
    if not re.fullmatch(r"[0-9]{1,6}", length) or int(length) > len(body):
        raise ValueError("Content-Length does not match the body")
    return body[: int(length)]


def _answerable(first: str, headers: Headers) -> bool:
    """Whether a bad request can be answered. An ACK is never answered (RFC 4475, section 3.3.1)."""
    return headers.has("Via") and not _is_response(first) and not first.upper().startswith("ACK ")


def write_response(
    asked: Headers, code: int, more: Iterable[tuple[str, str]] = (), body: str = "", to_tag: str = ""
) -> str:
    """Write the response to a request with the headers `asked`. `to_tag` is added where To has no tag."""
    to = asked.get("To")
    if to and to_tag and code > 100 and not re.search(r";\s*tag\s*=", to.rpartition(">")[2], re.IGNORECASE):
        to += f";tag={to_tag}"
    lines = [("Via", value) for value in asked.all("Via")]
    lines += [("Record-Route", value) for value in asked.all("Record-Route") if 100 < code < 300]
    lines += [("From", asked.get("From")), ("To", to), ("Call-ID", asked.get("Call-ID")), ("CSeq", asked.get("CSeq"))]
    lines += [("Timestamp", value) for value in asked.all("Timestamp") if code == 100]  # RFC 3261, section 8.2.6.1
    present = [(name, value) for name, value in lines if value]  # a bad request may lack some of them
    return _written(f"SIP/2.0 {code} {PHRASES[code]}", [*present, *more], body)


def write_request(method: str, uri: str, headers: Iterable[tuple[str, str]], body: str = "") -> str:
    return _written(f"{method} {uri} SIP/2.0", headers, body)


def _written(first: str, headers: Iterable[tuple[str, str]], body: str) -> str:
    """Raises ValueError when a value would begin another header."""
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    if any(_NOT_IN_A_VALUE.search(line) for line in lines):
        raise ValueError("a header may not have more than one line")
    return "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body])
