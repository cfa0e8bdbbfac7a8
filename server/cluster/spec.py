"""What a cluster is to be: how many workers, with which settings, behind which door. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from server.cluster.door.configuration import DoorSettings
from server.cluster.plan import Bounds


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """How a worker is started."""

    settings: Mapping[str, str] = field(repr=False)
    """What is added to the environment: the settings, as variables. Keys of providers are among them."""
    drain_s: float
    """How long its calls may go on when it ends; the settings say the same."""
    directory: str
    """The directory in which it starts, if the machine has it; it holds the agent's file."""


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """`antiphon cluster up` makes it, and the manager sees to it that the cluster becomes so."""

    store: str
    """The address of the Redis that all workers share."""
    bounds: Bounds
    worker: WorkerSpec
    door: DoorSettings
    version: str = ""
    """The version of Antiphon. Another one makes other workers."""
    rolled: int = 0
    """Raised by `antiphon cluster roll`: another number makes other workers."""

    @property
    def generation(self) -> str:
        """With what the workers run, in short: workers of another generation are replaced."""
        what = [dict(self.worker.settings), self.worker.drain_s, self.worker.directory, self.version, self.rolled]
        return _short(what)

    @property
    def door_generation(self) -> str:
        """With what the door was made, in short: a door that was made with something else is replaced."""
        return _short([self.store, asdict(self.door), self.version])


def _short(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]
