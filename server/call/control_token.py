"""The control token of a call: who has it may follow and control this one call, and nothing else.

It is computed from the admin token and the id of the call. So it is stored nowhere, and every server with the same
admin token knows it, also when the call goes on there.
"""

import base64
import hashlib
import hmac


class ControlTokens:
    """The control tokens of all calls of a server."""

    def __init__(self, admin_token: str) -> None:
        """Without an `admin_token`, no call has one."""
        self._key = admin_token.encode("utf-8", "surrogateescape")

    def of(self, call_id: str) -> str:
        """The token of a call: 43 characters of base64url (RFC 4648, section 5); "" without an admin token."""
        if not self._key:
            return ""
        digest = hmac.digest(self._key, b"control:" + call_id.encode("utf-8", "surrogateescape"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def opens(self, token: str, call_id: str) -> bool:
        """Whether `token` is the one of the call. It takes as long for every wrong one (`hmac.compare_digest`)."""
        known, given = self.of(call_id).encode(), token.encode("utf-8", "surrogateescape")
        return bool(known) and hmac.compare_digest(given, known)
