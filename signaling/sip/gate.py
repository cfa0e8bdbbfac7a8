"""Gate: who a phone is, by digest or by a caller's token (RFC 7616, RFC 8898), or everybody where that is open.

The first good credentials admit the connection, and its later requests need none. Wrong ones are counted by address.
"""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from server.call.caller import Caller
from server.errors import AntiphonError
from signaling.sip.digest import Accounts, Digest, Verdict, of_realm, read_parameters
from signaling.sip.flow import Flow
from signaling.sip.limits import RETRY_AFTER_S, Limits
from signaling.sip.message import Request
from signaling.sip.refusal import refusal, warning

MAX_NAME_CHARS = 32
"""How much of a name that is not known is written to the log."""

log = logging.getLogger(__name__)


class Tokens(Protocol):
    """Knows the callers with a token."""

    @property
    def needs_token(self) -> bool: ...

    async def caller_with(self, token: str, known: Caller) -> Caller:
        """Raises Unauthorized, Forbidden and AtCapacity."""


class Gate:
    """Admits phones. Without accounts, and where no token is needed, it admits everybody."""

    def __init__(self, accounts: Accounts, tokens: Tokens, now_s: Callable[[], float] = time.time) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._now_s = now_s
        self.limits = Limits()

    @property
    def open(self) -> bool:
        return not self._accounts.hashes and not self._tokens.needs_token

    def digest(self) -> Digest:
        """The challenges of a new connection."""
        return Digest(self._accounts)

    async def admit(self, flow: Flow, request: Request) -> Caller | None:
        """Who sends this request. None if that is not known: then the request was answered."""
        given = of_realm(request.headers.all("Authorization"), self._accounts.realm)
        if given and not self.open:
            scheme, _, token = given.partition(" ")
            if scheme.lower() == "bearer" and self._tokens.needs_token:
                return await self._by_token(flow, request, token.strip())
            if scheme.lower() == "digest" and self._accounts.hashes:
                return self._by_digest(flow, request, given)
        if flow.caller is None:
            self._challenge(flow, request)
            return None
        ends_ms = flow.caller.good_until_ms
        return replace(flow.caller, expired=flow.caller.expired or 0 < ends_ms < self._now_s() * 1000)

    async def _by_token(self, flow: Flow, request: Request, token: str) -> Caller | None:
        if not self._may_guess(flow, request):
            return None
        try:
            caller = await self._tokens.caller_with(token, flow.place.known)
        except AntiphonError as error:
            code, headers = refusal(error)
            if code == 401:
                self.limits.note_wrong(flow.place.known.address, flow.now_s)
                headers += self._challenges(flow)
            flow.answer(request, code, headers)
            return None
        return self._admitted(flow, request, caller)

    def _by_digest(self, flow: Flow, request: Request, given: str) -> Caller | None:
        if not self._may_guess(flow, request):
            return None
        parameters = read_parameters(given)
        if parameters is None:
            flow.answer(request, 400, [warning("The credentials are not valid.")])
            return None
        verdict, name = flow.digest.judge(parameters, request.method, request.uri, flow.now_s)
        if verdict is Verdict.GOOD:
            return self._admitted(flow, request, replace(flow.place.known, name=name))
        if verdict is not Verdict.STALE:
            self.limits.note_wrong(flow.place.known.address, flow.now_s)
            log.info("x credentials of a phone are %s: %r", verdict.value, name[:MAX_NAME_CHARS])
        self._challenge(flow, request, stale=verdict is Verdict.STALE)
        return None

    def _admitted(self, flow: Flow, request: Request, caller: Caller) -> Caller | None:
        """One connection is one caller's: its calls go on by that name."""
        if flow.caller is not None and flow.caller.name != caller.name:
            flow.answer(request, 403, [warning("This connection belongs to another caller.")])
            return None
        flow.caller = caller
        return caller

    def _may_guess(self, flow: Flow, request: Request) -> bool:
        if self.limits.admits_guess(flow.place.known.address, flow.now_s):
            return True
        late = ("Retry-After", str(RETRY_AFTER_S))
        flow.answer(request, 503, [warning("Too many credentials of this address were wrong."), late])
        return False

    def _challenge(self, flow: Flow, request: Request, stale: bool = False) -> None:
        flow.answer(request, 401, self._challenges(flow, stale))

    def _challenges(self, flow: Flow, stale: bool = False) -> list[tuple[str, str]]:
        """Digest comes after Bearer, and MD5 last, because phones in browsers keep only the last challenge."""
        values = ['Bearer realm="antiphon"'] if self._tokens.needs_token else []
        values += flow.digest.challenges(secrets.token_urlsafe(16), flow.now_s, stale)
        return [("WWW-Authenticate", value) for value in values]
