"""Habit: how patient this caller wants the agent to be. It is learned during the call.

A caller who goes on right after an endpoint was cut off. Then all waits of this call become longer, up to a bound. Each
endpoint after which the caller says no more makes them a little shorter again, but never shorter than the settings say.
"""

STEP = 1.25
"""How much longer the waits become when the caller was cut off."""
MOST = 2.0
"""How much longer they become at most. With the default patience, twice the waits are those of `patient`."""
FADE = 0.9
"""How much of the lengthening is left after an endpoint that was right. It is forgotten after a dozen answers."""


class Habit:
    """What one call has shown of its caller."""

    def __init__(self) -> None:
        self._stretch = 1.0
        self._before: float | None = None
        """What `stretch` was before the newest endpoint; None while there is no endpoint to go on from."""

    @property
    def stretch(self) -> float:
        """By how much the waits are multiplied, from 1 to MOST."""
        return self._stretch

    def ended(self) -> None:
        """The caller is taken to be done."""
        self._before = self._stretch
        self._stretch = 1 + (self._stretch - 1) * FADE

    def went_on(self) -> None:
        """The caller was not done at the newest endpoint, if there was one: a greeting is no answer to anybody."""
        if self._before is not None:
            self._stretch = min(MOST, self._before * STEP)
            self._before = None
