"""Digest authentication of phones: the challenges of one connection, and what is answered to them (RFC 7616). Pure.

The stronger algorithm comes first, as RFC 8760 wants it, and MD5 last: the SIP libraries of browsers keep only the last
challenge, and know only MD5. It protects a password no better than the connection under it, so phones belong behind
TLS.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

NONCE_S = 300.0
"""How long a nonce is good. A phone that uses an older one is told that it is stale, and tries again by itself."""
MOST_ACCOUNTS = 100_000

_PARAMETER = re.compile(r'\s*([A-Za-z0-9-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)\s*(?:,|$)')
_HASHES = {32: "MD5", 64: "SHA-256"}
"""The length of a hash in hexadecimal digits → its algorithm."""
_FUNCTIONS = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
_NAME = re.compile(r"[A-Za-z0-9._~+-]{1,64}")


class Verdict(Enum):
    """What credentials are worth."""

    GOOD = "good"
    STALE = "stale"
    """They were right, or could have been, but the nonce is not good any more."""
    WRONG = "wrong"
    INVALID = "invalid"
    """They are no credentials for this request."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The phones that may register: for each name its hashes of name, realm and password, by algorithm."""

    realm: str = ""
    hashes: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def algorithms(self) -> list[str]:
        """The algorithms that are offered, in order."""
        return [each for each in _FUNCTIONS if any(each in hashes for hashes in self.hashes.values())]


def read_accounts(text: str) -> Accounts:
    """Read accounts, a line each: `name:realm:hash`, as Apache's htdigest writes them. The hash is the MD5 or SHA-256
    of `name:realm:password`, in hexadecimal digits.

    Raises ValueError, which names the line.
    """
    realm, hashes = "", dict[str, dict[str, str]]()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(":")
        its_realm, _, digest = rest.rpartition(":")
        algorithm = _HASHES.get(len(digest))
        if not _NAME.fullmatch(name) or algorithm is None or not re.fullmatch(r"[0-9a-f]+", digest.lower()):
            raise ValueError(f"line {number} is not name:realm:hash")
        if not re.fullmatch(r"[ !#-\[\]-~]{1,128}", its_realm) or its_realm != (realm or its_realm):
            raise ValueError(f"line {number} has another realm than the first line, or none")
        realm = its_realm
        hashes.setdefault(name, {})[algorithm] = digest.lower()
    if not hashes:
        raise ValueError("it has no accounts")
    if len(hashes) > MOST_ACCOUNTS:
        raise ValueError(f"it has more than {MOST_ACCOUNTS} accounts")
    return Accounts(realm, hashes)


def read_parameters(value: str) -> dict[str, str] | None:
    """The parameters of `Authorization: Digest …`, without their quotes; None for another scheme or a bad value."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "digest":
        return None
    found, place = dict[str, str](), 0
    while place < len(rest):
        match = _PARAMETER.match(rest, place)
        if match is None or match[1].lower() in found:
            return None
        written = match[2]
        plain = re.sub(r"\\(.)", r"\1", written[1:-1]) if written.startswith('"') else written
        found[match[1].lower()] = plain
        place = match.end()
    return found


def of_realm(values: Iterable[str], realm: str) -> str:
    """Of several headers Authorization the one for this realm; the first one if there is none."""
    given = list(values)
    mine = [value for value in given if (read_parameters(value) or {}).get("realm") == realm]
    return next(iter([*mine, *given]), "")


class Digest:
    """The challenges of one connection. A nonce is good on this connection alone, and each answer to it only once."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._nonce = ""
        self._since_s = 0.0
        self._count = 0
        """The highest nonce count that was used."""
        self._spent = False
        """The present nonce was answered with a count that was used: a phone that does not count needs another one."""

    def challenges(self, fresh: str, now_s: float, stale: bool = False) -> list[str]:
        """The values of WWW-Authenticate. `fresh` is a random nonce, which is used if the present one is too old, or
        spent."""
        if not self._nonce or self._spent or self._old(now_s):
            self._spent = False
            self._nonce, self._since_s, self._count = fresh, now_s, 0
        end = ", stale=true" if stale else ""
        head = f'Digest realm="{self._accounts.realm}", nonce="{self._nonce}", qop="auth"'
        return [f"{head}, algorithm={each}{end}" for each in self._accounts.algorithms]

    def judge(self, given: Mapping[str, str], method: str, uri: str, now_s: float) -> tuple[Verdict, str]:
        """What these parameters are worth for a request, and the name of the account."""
        algorithm = given.get("algorithm", "MD5").upper()
        name, count = given.get("username", ""), given.get("nc", "")
        complete = all(given.get(each) for each in ("username", "nonce", "uri", "response", "cnonce"))
        if (
            not complete
            or given.get("qop") != "auth"
            or given.get("realm") != self._accounts.realm
            or given["uri"] != uri
            or algorithm not in self._accounts.algorithms
            or not re.fullmatch(r"[0-9a-fA-F]{8}", count)
        ):
            return Verdict.INVALID, name
        known = self._accounts.hashes.get(name, {}).get(algorithm)
        expected = _response(algorithm, known or "0" * 32, given, method)
        right = hmac.compare_digest(expected.encode(), given["response"].lower().encode())
        if not right or known is None:
            return Verdict.WRONG, name
        if given["nonce"] != self._nonce or self._old(now_s):
            return Verdict.STALE, name
        if int(count, 16) <= self._count:
            self._spent = True
            return Verdict.STALE, name
        self._count = int(count, 16)
        return Verdict.GOOD, name

    def _old(self, now_s: float) -> bool:
        return now_s - self._since_s > NONCE_S


def _response(algorithm: str, hashed: str, given: Mapping[str, str], method: str) -> str:
    """What whoever knows the password answers (RFC 7616, section 3.4.1)."""

    def h(text: str) -> str:
        return _FUNCTIONS[algorithm](text.encode()).hexdigest()

    asked = h(f"{method}:{given['uri']}")
    return h(f"{hashed}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{asked}")
