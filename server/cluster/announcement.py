"""What a worker of a cluster tells the others about itself, every second. Pure."""

from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

State = Literal["starting", "ready", "full", "unready", "draining"]
"""Full: it has no room for another call at present. Unready: a part of it does not work."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One worker, as it was a second ago."""

    name: str
    url: str
    """Where the other workers and the door reach it, such as http://10.0.0.5:40001."""
    node: str
    """The machine that it runs on."""
    pid: int
    version: str
    since_ms: int
    """When it was started, in Unix milliseconds."""
    state: State
    """Only a worker that is `ready` is given new calls."""
    why: str
    """Why it is not ready, in a sentence; "" if it is."""
    calls: int
    """How many calls have a place here, those that wait for their caller included."""
    detached: int
    """How many of them wait for their caller."""
    places: int
    """How many calls there may be."""
    operations_url: str = ""
    """Where the other workers reach its site for operators; "" if it has none of its own."""
    at_ms: int = 0
    """When it said this, in Unix milliseconds of its own clock. Whoever reads it knows by this whether it is news."""

    @property
    def for_operators(self) -> str:
        """Where its site for operators is."""
        return self.operations_url or self.url

    @property
    def load(self) -> float:
        """How full it is: 0 is empty, and 1 is full."""
        return self.calls / self.places if self.places else 1.0

    def written(self) -> str:
        return _ADAPTER.dump_json(self).decode()

    def shown(self) -> dict[str, object]:
        """It as operators see it."""
        return asdict(self)


_ADAPTER = TypeAdapter(Announcement)


def read(text: str) -> Announcement | None:
    """The announcement in this text; None if it is not one, as that of a later version may be."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError:
        return None
