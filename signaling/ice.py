"""Makes the list of ICE servers for a client, with TURN credentials that expire. Pure.

The credentials are those of coturn's `use-auth-secret` (draft-uberti-behave-turn-rest). The user name consists of the
second (Unix time) at which they expire, and a name. The password is the HMAC-SHA1 of the user name, made with a secret
that only we and coturn know.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

_URL = re.compile(
    r"stuns?:(?P<stun>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<stun_port>[0-9]{1,5}))?"
    r"|turns?:([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<turn_port>[0-9]{1,5}))?(\?transport=(udp|tcp))?"
)
"""A URL of a STUN or TURN server (RFC 7064 and 7065)."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """One entry of a browser's `RTCConfiguration.iceServers`: servers that have the same credentials, or none."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = field(default="", repr=False)

    def to_json(self) -> dict[str, object]:
        body: dict[str, object] = {"urls": list(self.urls)}
        return body | ({"username": self.username, "credential": self.credential} if self.username else {})


def valid_url(url: str) -> bool:
    """Whether browsers accept this URL. If one URL is not valid, browsers refuse the whole list."""
    found = _URL.fullmatch(url)
    return found is not None and all(int(found[port] or 0) <= 65_535 for port in ("stun_port", "turn_port"))


def is_turn(url: str) -> bool:
    return url.startswith(("turn:", "turns:"))


def ice_servers(urls: tuple[str, ...], secret: str, ends_s: int, name: str) -> list[IceServer]:
    """Make the list. TURN servers get credentials for `name` that expire at `ends_s` (Unix time); STUN needs none."""
    stun = tuple(url for url in urls if not is_turn(url))
    turn = tuple(url for url in urls if is_turn(url))
    servers = [IceServer(stun)] if stun else []
    return [*servers, IceServer(turn, *credentials(secret, ends_s, name))] if turn else servers


def credentials(secret: str, ends_s: int, name: str) -> tuple[str, str]:
    """Make a user name and a password for TURN."""
    username = f"{ends_s}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()
