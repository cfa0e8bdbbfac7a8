"""LastUse: whether a part did what was asked of it the last time. Nothing is asked for the sake of knowing."""


class LastUse:
    """Of a model provider or an engine elsewhere."""

    def __init__(self) -> None:
        self.failures = 0
        self._failure = ""

    def succeed(self) -> None:
        self._failure = ""

    def fail(self, sentence: str) -> None:
        self.failures += 1
        self._failure = sentence

    def check(self) -> str:
        """What went wrong the last time; "" when nothing did, or nothing was asked yet."""
        return self._failure
