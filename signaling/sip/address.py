"""Addresses: reads the URIs, the addresses and the Via of SIP messages (RFC 3261, section 25.1). Pure.

The package `sipmessage` reads the URIs. What it refuses although phones may send it is put in order before: capitals in
the scheme, and names of hosts such as pbx1 and voice_agent. Of an address it takes a quoted name and a quoted parameter
for one, so addresses are read here.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from sipmessage import URI, Address, Parameters

MAX_NUMBER_CHARS = 128
"""How long a telephone number may be. `sipmessage` takes seconds for thousands of signs."""

_TOKEN = r"[A-Za-z0-9.!%*_+`'~-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?(?=[:;]|$)")
_PLAIN_HOST = "host.invalid"
"""What `sipmessage` reads in place of the name of a host."""
_NAME_ADDR = re.compile(rf'({_QUOTED}\s*|[^"<>]*)<([^<>]*)>(.*)', re.DOTALL)
PARAMETER = re.compile(rf';(?:{_QUOTED}|[^;"])*')
"""One parameter as it was sent, with the semicolon before it."""
_PARTS = re.compile(rf';\s*({_TOKEN})(?:\s*=\s*({_QUOTED}|[^\s;,"<>]+))?\s*')
_NAME = re.compile(rf"{_QUOTED}|[A-Za-z0-9.!%*_+`'~\s-]*")
_VIA = re.compile(
    rf"SIP\s*/\s*2\.0\s*/\s*{_TOKEN}\s+[^\s;,]+(?:\s*:\s*[0-9]+)?"
    rf'((?:\s*;\s*{_TOKEN}(?:\s*=\s*(?:{_QUOTED}|[^\s;,"]+))?)*)\s*(?:,.*)?',
    re.IGNORECASE | re.DOTALL,
)
_BRANCH = re.compile(rf"({_QUOTED})|;\s*branch\s*=\s*([^\s;,\"]+)", re.IGNORECASE)


def read_uri(text: str) -> URI:
    """Read a URI of SIP or of a telephone number. Raises ValueError."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise ValueError("URI is not valid")
    start, rest = scheme[0].lower(), text[scheme.end() :]
    if start == "tel:" and len(rest.partition(";")[0]) > MAX_NUMBER_CHARS:
        raise ValueError("URI is not valid: the number is too long")
    user, at, place = rest.rpartition("@")
    host = None if start == "tel:" else _HOST.match(place)
    if host is None:
        return URI.parse(start + rest)
    return replace(URI.parse(f"{start}{user}{at}{_PLAIN_HOST}{place[host.end() :]}"), host=host[0])


def read_address(value: str) -> Address:
    """Read an address, with its parameters, whose names become lower case. Raises ValueError."""
    name, uri, after = split(value)
    if not _NAME.fullmatch(name.strip()) or PARAMETER.sub("", after).strip():
        raise ValueError("Address is not valid")
    found = dict[str, str | None]()
    for written in PARAMETER.findall(after):
        parameter = _PARTS.fullmatch(written)
        if parameter is None:
            raise ValueError("Address is not valid")
        found.setdefault(parameter[1].lower(), parameter[2])
    found.pop("self", None)  # `Parameters` cannot have it
    return Address(read_uri(uri), name.strip(), Parameters(**found))


def split(value: str) -> tuple[str, str, str]:
    """The name, the URI and the parameters of an address, as they were sent. The URI has no <>."""
    if found := _NAME_ADDR.fullmatch(value.strip()):
        return found[1], found[2], found[3]
    uri, semicolon, parameters = value.strip().partition(";")
    return "", uri.rstrip(), semicolon + parameters


def written(uri: URI) -> str:
    """The address of a URI as a header has it, with the signs escaped that may not stand there, and no parameters."""
    return f"<{replace(uri, password=None, port=None, parameters=Parameters())}>"


def read_branch(via: str) -> str:
    """The branch of the topmost Via; "" if it has none. `via` is the first header of this name. Raises ValueError."""
    found = _VIA.fullmatch(via)
    if found is None:
        raise ValueError("Via is not valid")
    return next((branch[2] for branch in _BRANCH.finditer(found[1]) if branch[2]), "")


def parts(value: str) -> Iterator[str]:
    """The parts of a header that is a list, as they were sent. A comma in quotes or in <> separates nothing."""
    start, quoted, inside, escaped = 0, False, False, False
    for place, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"' and not inside:
            quoted = not quoted
        elif not quoted and character in "<>":
            inside = character == "<"
        elif character == "," and not quoted and not inside:
            yield value[start:place].strip()
            start = place + 1
    yield value[start:].strip()
