"""Hold: the time in which the caller has put the call on hold, and hears nothing that the agent says."""

from collections.abc import Callable

from server.call.absence import Absence
from server.call.attachment import Attachment, Connection
from server.call.dialogue import Present
from server.call.soundtrack import Soundtrack
from server.call.watch import Watch


class Hold:
    """No time passes in a call on hold, as in one without a connection. But messages go on both ways."""

    def __init__(
        self,
        longest_s: float,
        attachment: Attachment,
        soundtrack: Soundtrack,
        watch: Watch,
        present: Present,
        end: Callable[[], object],
    ) -> None:
        """`end` ends a call that was on hold for `longest_s`. `present` gives the dialogue."""
        self._absence = Absence(longest_s, end)
        self._attachment = attachment
        self._soundtrack = soundtrack
        self._watch = watch
        self._present = present

    @property
    def on(self) -> bool:
        """The call is on hold."""
        return self._absence.since_s is not None

    def put(self, connection: Connection) -> None:
        """The caller does not take the sound of `connection` any more. The reply stops where the caller heard it."""
        if connection is self._attachment.connection and not self.on:
            self.take_back_unheard(connection)
            self._absence.begin()

    def take_up(self, connection: Connection) -> None:
        """The caller is back: go on."""
        if connection is self._attachment.connection and self.on:
            self.finish()
            self._watch.caller_is_there()
            self._present().resume()

    def finish(self) -> None:
        """There is no hold any more, or no call."""
        if (away_ms := self._absence.finish()) > 0:
            self._soundtrack.skip(away_ms)

    def take_back_unheard(self, connection: Connection) -> None:
        """The caller did not hear what `connection` has taken last, so it is said again later. It ends a hold."""
        self.finish()
        self._soundtrack.drop_ahead()
        self._present().delivery.lose(connection.unheard_ms)
