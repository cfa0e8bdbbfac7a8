"""The workers of a simulation: which of them are up, how many calls each has, and what the door knows of that."""

import numpy as np

from bench.placement.traffic import STEPS_PER_S, Floats, Ints


class Fleet:
    """`workers` with `places` each, spread evenly over the machines, and these over the zones.

    Each worker tells its load once a second, at a moment of its own. The door knows what it was told last (`reported`)
    and the workers that it takes for ready (`seen`).
    """

    def __init__(self, workers: int, places: int, per_machine: int = 32, zones: int = 3) -> None:
        self.places = places
        self.load: Ints = np.zeros(workers, np.int64)
        self.reported: Ints = np.zeros(workers, np.int64)
        self.ready = np.ones(workers, bool)
        self.machine: Ints = np.arange(workers) // per_machine
        self.zone: Ints = self.machine % zones
        self.begun: Ints = np.zeros(workers, np.int64)
        """How many calls each has taken since `begun` was last set to 0."""
        self.look()

    def __len__(self) -> int:
        return len(self.load)

    def look(self) -> None:
        """The door learns which workers are ready."""
        self.seen: Ints = np.flatnonzero(self.ready)

    def report(self, step: int) -> None:
        """The workers whose moment this is tell their load."""
        some = slice(step % STEPS_PER_S, None, STEPS_PER_S)
        self.reported[some] = self.load[some]

    def admit(self, chosen: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which calls get a place at the workers that were chosen for them. Of several for one worker, the first."""
        order = np.argsort(chosen, kind="stable")
        workers = chosen[order]
        before = np.arange(len(workers)) - np.searchsorted(workers, workers)
        taken = np.empty(len(chosen), bool)
        taken[order] = self.ready[workers] & (self.load[workers] + before < self.places)
        np.add.at(self.load, chosen[taken], 1)
        np.add.at(self.begun, chosen[taken], 1)
        return taken

    def release(self, workers: Ints) -> None:
        """A call less at each of these."""
        np.subtract.at(self.load, workers, 1)

    @property
    def imbalance(self) -> tuple[float, float]:
        """The fullest worker, and the fullest of 99 %, by the mean of all that are ready."""
        present: Floats = self.load[self.ready].astype(float)
        mean = max(float(present.mean()), 1e-9)
        return float(present.max()) / mean, float(np.quantile(present, 0.99)) / mean
