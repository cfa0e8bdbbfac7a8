"""The control of a call, as the tools of an agent have it."""

from typing import Literal, Protocol, runtime_checkable

When = Literal["now", "next", "idle"]
"""When a line is said. now: at once, in place of what the agent says. next: after the present answer. idle: when nobody
has spoken for a moment and nothing is owed."""


class CallControl(Protocol):
    """Lets the tools of one call speak, press keys, and end it. Use it on the event loop, so from an `async` tool."""

    @property
    def control_token(self) -> str:
        """A bearer token for all requests at `/api/calls/{id}/…` of this call, and of no other; "" if the server has no
        admin token. It is for your own systems. A caller who knows it can instruct the model."""

    def say(self, text: str, when: When = "next", interruptible: bool = True) -> None:
        """Let the agent say `text`, which is put into a queue.

        Nothing cuts off a line that is not `interruptible`. Raises an exception if the text is empty or too long, or if
        too many lines wait, or if the agent says goodbye already.
        """

    def press(self, keys: str, when: When = "next") -> None:
        """Press keys of the telephone: 0 to 9, *, # and A to D; "w" is a pause of 0.5 s and "," one of 2 s.

        They take their place among the lines of `say`, and nothing cuts them off. Raises an exception if `keys` cannot
        be pressed, are more than 64, if too many lines wait, or if the agent says goodbye already.
        """

    async def collect(
        self,
        digits: int = 32,
        terminators: str = "#",
        timeout_s: float = 10.0,
        secret: bool = False,
        prompt: str = "",
    ) -> str:
        """Ask the caller for keys of the telephone, and wait for them. The time of the tool stands still meanwhile.

        It is over when `digits` keys were pressed, at one of the `terminators`, which do not count, and when no key has
        come for `timeout_s` seconds since the `prompt` was heard or since the last key. `*` clears what was keyed in,
        if it is no terminator. When the caller says something in place of it, that is over, too, and is answered.
        Returns what was keyed in until then, so perhaps too few digits or ""; and "" when the call ends.

        The `prompt` is said first, if it is not empty. The first key cuts it off. `secret`: the caller's sound is not
        recorded meanwhile. Nobody but the tool learns what was keyed in, so do not return it to the model.

        Raises an exception if the values cannot be used, if another tool waits for keys, or if the agent says goodbye
        already.
        """

    def hang_up(self) -> None:
        """End the call with the agent's goodbye, after the present answer and all lines that wait."""


@runtime_checkable
class ControlsCall(Protocol):
    """The dependencies of an agent whose tools control the call."""

    call: CallControl | None
    """The server sets it when the call begins, if it is None."""
