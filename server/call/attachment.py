"""Attachment: the connection that a session has at present, or none while the session waits for the next one."""

from typing import Protocol

from server.agent.call_info import Transport
from server.call import messages
from server.call.resume_token import ResumeToken
from server.errors import TooMany
from server.media.line import Line
from server.pace import Pace

CONNECTIONS_A_SECOND = 0.5
"""How often a call may go to another connection. A page needs seconds to find out that a connection does not work."""
CONNECTIONS_AT_ONCE = 6
"""How many connections may follow each other at once, as when a network comes and goes."""
WAIT_S = 2
"""When a client that connects too often should try again."""


class Connection(Protocol):
    """One way in and out of a session."""

    transport: Transport
    """What kind of way it is."""
    comes_back: bool
    """The client goes on with the call at another server when it is told to reconnect, if it has read its token."""

    @property
    def unheard_ms(self) -> float:
        """How much of the sound that the connection has taken the caller has not heard.

        It is still on its way, or it was sent after the client gave its last sign of life.
        """

    @property
    def audio(self) -> messages.AudioFormat | None:
        """The format of the sound, to be told to the client. None where the connection itself agrees on it."""

    @property
    def line(self) -> Line | None:
        """How it carries sound; None where that is not measured."""

    def send(self, message: messages.ServerMessage) -> None:
        """Tell the client. Never waits; a message that a dead client cannot take is dropped."""

    def hurry(self) -> None:
        """A reply is ready to begin, and need not wait until `next_frame` is due. Never calls the session at once."""

    def close(self) -> None:
        """The session does not need the connection any more. What was sent before is still delivered."""


class Attachment:
    """Holds the present connection, and gives out the token with which the next one may take its place."""

    def __init__(self, token: ResumeToken) -> None:
        self.token = token
        self.connection: Connection | None = None
        self._coming = Pace(CONNECTIONS_A_SECOND, CONNECTIONS_AT_ONCE)

    def expect(self, now_s: float) -> None:
        """Another connection is about to be made. Raises TooMany if there were too many of them."""
        if not self._coming.admits(now_s):
            raise TooMany("This call changes its connection too often. Please wait a moment.", WAIT_S)

    def take(self, connection: Connection) -> str:
        """Use `connection` from now on, and close the one before. Returns the token that the next one will need."""
        if self.connection is not None:
            self.send(messages.Error(code="superseded", message="The call goes on elsewhere.", final=True))
            self.connection.close()
        self.connection = connection
        return self.token.renew()

    def leave(self) -> None:
        """The connection is lost."""
        self.connection = None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    @property
    def transport(self) -> Transport | None:
        """What carries the call; None without a connection."""
        return None if self.connection is None else self.connection.transport

    @property
    def comes_back(self) -> bool:
        """The client that is connected now would go on with the call at another server."""
        return self.connection is not None and self.connection.comes_back and self.token.confirmed

    @property
    def line(self) -> Line | None:
        """How the connection carries sound; None without one, and where that is not measured."""
        return None if self.connection is None else self.connection.line

    @property
    def unheard_ms(self) -> float:
        """The connection's own figure. Without a connection it is 0, because nothing is taken that could be lost."""
        return 0.0 if self.connection is None else self.connection.unheard_ms

    def hurry(self) -> None:
        """Let the connection begin the reply now."""
        if self.connection is not None:
            self.connection.hurry()

    def send(self, message: messages.ServerMessage) -> None:
        """Tell the client. Without a connection the message is dropped: the next one is told how things are then."""
        if self.connection is not None:
            self.connection.send(message)
