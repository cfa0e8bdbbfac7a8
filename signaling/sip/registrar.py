"""Registrar: where phones can be reached (RFC 3261, section 10.3). Pure.

A phone says under which address it is called, and on which connection it then gets the call. Its contact is kept as it
was sent, because a phone takes nothing else for its own in the answer. A binding ends with its time, or with its
connection.
"""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from signaling.sip.address import PARAMETER, parts, read_address, split
from signaling.sip.message import Headers

DEFAULT_S = 600
MIN_S = 10
"""The shortest time for which a phone may register. Shorter ones would be a flood."""
MAX_S = 3_600
MOST_CONTACTS = 8
"""How many phones one address may have at the same time."""
MOST_ADDRESSES = 10_000
MAX_CONTACT_CHARS = 1_024

_WITHOUT_HEADERS = re.compile(r"(?:.*@)?[^?]*", re.DOTALL)
"""What comes before the headers of a URI. The user part may have a "?" of its own (RFC 3261, section 19.1.1)."""
F = TypeVar("F")
"""A connection of a phone."""


class TooBrief(Exception):
    """The phone wants to register for less than MIN_S."""


class Full(Exception):
    """There is no room for one more phone."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as a phone has sent it."""

    uri: str
    """Where the phone is, as it was sent."""
    written: str
    """The whole value, without its `expires`."""
    expires_s: int


@dataclass(frozen=True, slots=True)
class Binding(Generic[F]):
    """A phone that is registered until `ends_s`, on the connection `flow`."""

    contact: Contact
    flow: F
    ends_s: float
    call_id: str
    cseq: int

    def shown(self, now_s: float) -> str:
        """The value of Contact in the answer."""
        return f"{self.contact.written};expires={max(1, round(self.ends_s - now_s))}"


def read_contacts(headers: Headers) -> list[Contact] | None:
    """The contacts of a REGISTER. None for `Contact: *`, which removes all. Raises ValueError."""
    values = [part for value in headers.all("Contact") for part in parts(value)]
    if values == ["*"]:
        if headers.get("Expires") != "0":
            raise ValueError("Contact: * needs Expires: 0")
        return None
    if len(values) > MOST_CONTACTS:
        raise ValueError("there are too many contacts")
    default = headers.get("Expires")
    return [_contact(value, int(default) if default.isdecimal() else DEFAULT_S) for value in values]


def read_contact(value: str) -> str:
    """The URI of one contact as it was sent, without <>, and without the headers that it may have: no request URI has
    them. Raises ValueError."""
    name, uri, parameters = split(value)
    found = _WITHOUT_HEADERS.match(uri)
    bare = found[0] if found else ""
    if bare != uri and "<" not in value:
        raise ValueError("a contact with headers stands in <>")
    address = read_address(f"{name}<{bare}>{parameters}")
    if address.uri.scheme not in ("sip", "sips") or len(value) > MAX_CONTACT_CHARS:
        raise ValueError("a contact is not a SIP address, or too long")
    return bare


def _contact(value: str, default_s: int) -> Contact:
    uri, after = read_contact(value), split(value)[2]
    kept, wanted = value[: len(value) - len(after.lstrip())], ""
    for parameter in PARAMETER.findall(after):
        name, _, told = parameter.strip(" \t;").partition("=")
        if name.strip().lower() == "expires":
            wanted = wanted or told.strip()
        else:
            kept += parameter
    return Contact(uri, kept.rstrip(), int(wanted) if re.fullmatch(r"[0-9]{1,10}", wanted) else default_s)


class Registrar(Generic[F]):
    """The phones that are registered, by the address under which each is called."""

    def __init__(self) -> None:
        self._bindings: dict[str, dict[str, Binding[F]]] = {}

    def register(
        self, address: str, contacts: list[Contact] | None, order: tuple[str, int], flow: F, now_s: float
    ) -> list[str]:
        """Add, renew and remove bindings, all or none. Returns the values of Contact for the answer.

        `order` is the Call-ID and the CSeq: of two requests of one phone, the older one changes nothing. Raises
        TooBrief, Full, and ValueError for a request that comes too late.
        """
        known = {uri: each for uri, each in self._bindings.get(address, {}).items() if each.ends_s > now_s}
        present = dict(known)
        for contact in contacts if contacts is not None else [each.contact for each in known.values()]:
            before = known.get(contact.uri)
            if before is not None and before.call_id == order[0] and before.cseq >= order[1]:
                raise ValueError("the request is older than the last one")
            expires_s = 0 if contacts is None else min(contact.expires_s, MAX_S)
            if 0 < expires_s < MIN_S:
                raise TooBrief
            present.pop(contact.uri, None)
            if expires_s:
                present[contact.uri] = Binding(contact, flow, now_s + expires_s, *order)
        if len(present) > MOST_CONTACTS or (present and address not in self._bindings and self._full(now_s)):
            raise Full
        if present:
            self._bindings[address] = present
        else:
            self._bindings.pop(address, None)
        return [each.shown(now_s) for each in present.values()]

    def find(self, address: str, now_s: float) -> list[Binding[F]]:
        """The phones that are registered under this address now, the newest last."""
        return [each for each in self._bindings.get(address, {}).values() if each.ends_s > now_s]

    def drop(self, flow: F) -> None:
        """The connection is gone, and all that was registered on it."""
        for address, bindings in list(self._bindings.items()):
            left = {uri: each for uri, each in bindings.items() if each.flow is not flow}
            if left:
                self._bindings[address] = left
            else:
                del self._bindings[address]

    def _full(self, now_s: float) -> bool:
        if len(self._bindings) < MOST_ADDRESSES:
            return False
        for address in [a for a, each in self._bindings.items() if all(b.ends_s <= now_s for b in each.values())]:
            del self._bindings[address]
        return len(self._bindings) >= MOST_ADDRESSES


def place(uri: str) -> str:
    """The user and the host of a contact: its parameters differ from request to request."""
    return uri.partition(";")[0]
