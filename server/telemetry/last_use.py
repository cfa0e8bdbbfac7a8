"""LastUse: remembers whether a part of the server worked when it was last used.

It takes note of real requests only. No request is ever made just to find out whether a part works.
"""


class LastUse:
    """The last use of a model provider or of a speech engine."""

    def __init__(self) -> None:
        self.failures = 0
        """How many uses have failed so far."""
        self._failure = ""

    def succeed(self) -> None:
        """Note that the part has worked."""
        self._failure = ""

    def fail(self, sentence: str) -> None:
        """Note that the part has failed. `sentence` says why."""
        self.failures += 1
        self._failure = sentence

    def check(self) -> str:
        """Why the last use failed. Empty if it did not fail, or if there was no use yet."""
        return self._failure
