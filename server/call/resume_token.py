"""ResumeToken: the right to go on with a conversation on another connection."""

import secrets
from collections.abc import Sequence

from server.record.conversation import hash_token


class ResumeToken:
    """Each connection gets a token, good for the next connection only.

    The token before stays good until the client has shown that it has the new one: the message with it may be lost
    with the very connection that it came on. Only hashes are kept.
    """

    def __init__(self, hashes: Sequence[str] = ()) -> None:
        self.hashes = list(hashes[-2:])
        """SHA-256, hexadecimal, oldest first: one, or two while the newest is unconfirmed."""

    def renew(self) -> str:
        """A new token, to be told to the client."""
        token = secrets.token_urlsafe(24)
        self.hashes = [*self.hashes[-1:], hash_token(token)]
        return token

    def redeem(self, token: str) -> bool:
        """Use `token` up; False when it is not good (any more)."""
        if not self.accepts(token):
            return False
        self.hashes = [hash_token(token)]
        return True

    def confirm(self) -> None:
        """The client has the newest."""
        self.hashes = self.hashes[-1:]

    def accepts(self, token: str) -> bool:
        """Whether `token` may resume; takes as long whatever it is."""
        given = hash_token(token)
        return sum(secrets.compare_digest(given, known) for known in self.hashes) > 0
