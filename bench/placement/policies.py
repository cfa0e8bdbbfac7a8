"""Where the door puts a call. A policy chooses among the workers that the door takes for ready; a full one refuses."""

from typing import Protocol

import numpy as np

from bench.placement.fleet import Fleet
from bench.placement.traffic import Floats, Ints

RING_POINTS = 100
"""How many points each worker has on the ring of the consistent hash. More points make its share more even."""


class Policy(Protocol):
    def choose(self, fleet: Fleet, keys: Floats, tries: int, rng: np.random.Generator) -> Ints:
        """A worker for each call. `tries` is how many workers have refused these calls before."""


class Random:
    def choose(self, fleet: Fleet, keys: Floats, tries: int, rng: np.random.Generator) -> Ints:
        chosen: Ints = rng.choice(fleet.seen, len(keys))
        return chosen


class TwoChoices:
    """The one of two random workers that has reported less load."""

    def choose(self, fleet: Fleet, keys: Floats, tries: int, rng: np.random.Generator) -> Ints:
        one, other = rng.choice(fleet.seen, (2, len(keys)))
        return np.where(fleet.reported[one] <= fleet.reported[other], one, other)


class RoundRobin:
    def __init__(self) -> None:
        self._next = 0

    def choose(self, fleet: Fleet, keys: Floats, tries: int, rng: np.random.Generator) -> Ints:
        chosen = fleet.seen[(self._next + np.arange(len(keys))) % len(fleet.seen)]
        self._next += len(keys)
        return chosen


class LeastLoaded:
    """The worker that has reported the least load. With `tries` it takes the next ones in that order."""

    def choose(self, fleet: Fleet, keys: Floats, tries: int, rng: np.random.Generator) -> Ints:
        reported = fleet.reported[fleet.seen]
        at = min(tries, len(reported) - 1)
        return np.full(len(keys), fleet.seen[np.argpartition(reported, at)[at]])


class ConsistentHash:
    """The worker whose point on a ring is next to the call's key. A refused call goes on to the next point."""

    def __init__(self, workers: int, rng: np.random.Generator) -> None:
        points = rng.random(workers * RING_POINTS)
        order = np.argsort(points)
        self._points: Floats = points[order]
        self._owners: Ints = order // RING_POINTS

    def choose(self, fleet: Fleet, keys: Floats, tries: int, rng: np.random.Generator) -> Ints:
        seen = np.zeros(len(fleet), bool)
        seen[fleet.seen] = True
        at = (np.searchsorted(self._points, keys) + tries) % len(self._owners)
        while not (known := seen[self._owners[at]]).all():
            at = np.where(known, at, (at + 1) % len(self._owners))
        return self._owners[at]


def policies(workers: int, rng: np.random.Generator) -> dict[str, Policy]:
    return {
        "two random choices": TwoChoices(),
        "one random": Random(),
        "round robin": RoundRobin(),
        "least loaded": LeastLoaded(),
        "consistent hash": ConsistentHash(workers, rng),
    }
