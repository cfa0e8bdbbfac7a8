"""Attachment: the connection that a session has at present, or none while it waits for the next."""

from typing import Protocol

from server.call import messages
from server.call.resume_token import ResumeToken


class Connection(Protocol):
    """One way in and out of a session."""

    @property
    def unheard_ms(self) -> float:
        """How much of what it took has not been heard: on its way, or sent since its last sign of life."""

    @property
    def audio(self) -> messages.AudioFormat | None:
        """What the client is told of the sound's format."""

    def send(self, message: messages.ServerMessage) -> None:
        """Tell the client; never waits, and drops what a dead client cannot take."""

    def hurry(self) -> None:
        """An answer is ready to begin: it need not wait until `next_frame` is due. Never calls back at once."""

    def close(self) -> None:
        """The session needs it no more; what was sent is still delivered."""


class Attachment:
    """Who is at the other end, and by which token the next connection may take its place."""

    def __init__(self, token: ResumeToken) -> None:
        self.token = token
        self.connection: Connection | None = None

    def take(self, connection: Connection) -> str:
        """From now on this one is talked to; returns the token that the next one will need."""
        if self.connection is not None:
            self.send(messages.Error(code="superseded", message="The call goes on elsewhere.", final=True))
            self.connection.close()
        self.connection = connection
        return self.token.renew()

    def leave(self) -> None:
        """Nobody is there now."""
        self.connection = None

    def close(self) -> None:
        """Release the connection, if there is one."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    @property
    def unheard_ms(self) -> float:
        """As the connection says; what nobody takes is not lost."""
        return 0.0 if self.connection is None else self.connection.unheard_ms

    def hurry(self) -> None:
        """Somebody who is there shall hear the answer now."""
        if self.connection is not None:
            self.connection.hurry()

    def send(self, message: messages.ServerMessage) -> None:
        """Tell the client; what is said while nobody is there is said in vain: a new connection is told the present."""
        if self.connection is not None:
            self.connection.send(message)
