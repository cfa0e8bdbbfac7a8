"""ResumeToken: the secret with which a client goes on with its conversation on another connection."""

import secrets
from collections.abc import Sequence

from server.record.conversation import hash_token


class ResumeToken:
    """The tokens of one conversation. Each connection gets a new one, which is good for one other connection.

    The message that brings a new token may be lost together with its connection. So the old token stays good until the
    client has shown that it has the new one. Only hashes are kept.
    """

    def __init__(self, hashes: Sequence[str] = ()) -> None:
        self.hashes = list(hashes[-2:])
        """SHA-256, hexadecimal, oldest first. One hash, or two while the newest token is not confirmed."""

    def renew(self) -> str:
        """Make a new token, to be told to the client."""
        token = secrets.token_urlsafe(24)
        self.hashes = [*self.hashes[-1:], hash_token(token)]
        return token

    def redeem(self, token: str) -> bool:
        """Use `token`. Returns False if it is not good, or not any more."""
        if not self.accepts(token):
            return False
        self.hashes = [hash_token(token)]
        return True

    def confirm(self) -> None:
        """The client has shown that it has the newest token. No older one is good any more."""
        self.hashes = self.hashes[-1:]

    def accepts(self, token: str) -> bool:
        """Whether `token` may resume the conversation. The answer takes as long for every token."""
        given = hash_token(token)
        return sum(secrets.compare_digest(given, known) for known in self.hashes) > 0
