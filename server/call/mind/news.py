"""News: which results of tools in the background the caller has not been told yet. It counts them as they come."""

MOST_TRIES = 3
"""How often the agent is asked to tell of a result before a word of it was heard. The model may fail, and the caller
may speak first. After that the model still knows the result."""

TELL = "(The tool {names} has returned from the background. Tell the caller now what has come of it.)"


class News:
    """The results of one call."""

    def __init__(self) -> None:
        self.count = 0
        """How many results the history has."""
        self._told = 0
        self._names: list[str] = []
        """The tools, by the number of their result."""
        self._tries = 0

    def add(self, name: str) -> None:
        """The history has a result of the tool of this name."""
        self.count += 1
        self._names.append(name)
        self._tries = 0

    def tell(self, known: int) -> None:
        """The caller has heard words of a model that knew the first `known` results."""
        self._told = max(self._told, known)

    def new_in(self, known: int) -> bool:
        """Whether a model that knew the first `known` results knew one that the caller has not been told."""
        return known > self._told

    @property
    def untold(self) -> bool:
        """The agent has to tell the caller of a result."""
        return self._told < self.count and self._tries < MOST_TRIES

    def ask(self) -> str:
        """What the model is asked so that it tells the caller. It knows the results from the history."""
        self._tries += 1
        return TELL.format(names=" and ".join(dict.fromkeys(self._names[self._told :])))
