"""ResumeToken: the secret with which a client goes on with its conversation on another connection."""

import secrets
from collections.abc import Sequence

from server.record.conversation import hash_token


class ResumeToken:
    """The tokens of one conversation. Each connection gets a new one, which is good for one other connection.

    The message that brings a new token may be lost together with its connection. So the old token stays good until the
    client has shown that it has the new one. Only hashes are kept. They are good for one `caller` only.
    """

    def __init__(self, hashes: Sequence[str] = (), caller: str = "") -> None:
        self._caller = caller
        self.hashes = list(hashes[-2:])
        """SHA-256, hexadecimal, oldest first. One hash, or two while the newest token is not confirmed."""

        self.confirmed = False
        """The client has shown that it has the newest token."""

    def renew(self) -> str:
        """Make a new token, to be told to the client."""
        token, self.confirmed = secrets.token_urlsafe(24), False
        self.hashes = [*self.hashes[-1:], hash_token(token, self._caller)]
        return token

    def redeem(self, token: str) -> bool:
        """Use `token`. Returns False if it is not good, or not any more."""
        if not self.accepts(token):
            return False
        self.hashes = [hash_token(token, self._caller)]
        return True

    def confirm(self) -> None:
        """The client has shown that it has the newest token. No older one is good any more."""
        self.hashes, self.confirmed = self.hashes[-1:], True

    def accepts(self, token: str, caller: str | None = None) -> bool:
        """Whether `token` may resume the conversation, for this caller (None: for its own).

        The answer takes as long for every token.
        """
        given = hash_token(token, self._caller if caller is None else caller)
        return sum(secrets.compare_digest(given, known) for known in self.hashes) > 0
