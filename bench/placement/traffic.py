"""The calls of a simulation: when each begins and when it ends, in steps of STEP_S.

Calls begin as a Poisson process. How long they last is log-normal, as Brown, Gans, Mandelbaum and others found for
service times in a call centre ("Statistical Analysis of a Telephone Call Center", JASA 100, 2005). The mean and the
width here are assumptions of about their size.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

STEP_S = 0.1
STEPS_PER_S = 10
SIGMA = 1.0
"""The standard deviation of the logarithm of a duration. With it half of the calls are shorter than 0.6 of the mean."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Traffic:
    """`calls` at once on average, of `mean_s` each, for `seconds`. The rate of new calls swings by the share `swing`
    around its mean, in one wave over `seconds`, as a day's traffic does in 24 hours."""

    calls: int
    seconds: int
    mean_s: float = 200.0
    swing: float = 0.0

    @property
    def steps(self) -> int:
        return self.seconds * STEPS_PER_S


class Calls:
    """All calls of a simulation, in the order in which they begin. Those that run already begin at step 0."""

    def __init__(self, traffic: Traffic, rng: np.random.Generator) -> None:
        steps = np.arange(traffic.steps)
        wave = 1 + traffic.swing * np.sin(2 * np.pi * steps / traffic.steps)
        new = rng.poisson(traffic.calls / traffic.mean_s * STEP_S * wave)
        self.running = traffic.calls
        self.begins: Ints = np.concatenate([np.zeros(traffic.calls, np.int64), np.repeat(steps, new)])
        lasts_s = np.concatenate([remaining_s(traffic, rng), durations_s(traffic.mean_s, int(new.sum()), rng)])
        self.ends: Ints = self.begins + 1 + (lasts_s / STEP_S).astype(np.int64)
        self.keys: Floats = rng.random(len(self.begins))
        """What a hash makes of the call's id: evenly spread from 0 to 1."""
        self._first = np.concatenate([[traffic.calls], traffic.calls + np.cumsum(new)])

    def __len__(self) -> int:
        return len(self.begins)

    def new(self, step: int) -> Ints:
        """The calls that begin in this step, without those that run already."""
        return np.arange(self._first[step], self._first[step + 1])

    def over(self, step: int) -> Ints:
        """The calls that end in this step, wherever they are."""
        order, places = self._by_end
        return order[places[step] : places[step + 1]]

    @cached_property
    def _by_end(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.ends, kind="stable")
        return order, np.searchsorted(self.ends[order], np.arange(int(self.begins[-1]) + 3))


def durations_s(mean_s: float, count: int, rng: np.random.Generator) -> Floats:
    return rng.lognormal(np.log(mean_s) - SIGMA**2 / 2, SIGMA, count)


def remaining_s(traffic: Traffic, rng: np.random.Generator) -> Floats:
    """What is left of calls that run already: a random part of a call's duration, and long calls are met more often.

    Of a log-normal distribution weighted by length, the mean of the logarithm is greater by its variance.
    """
    whole = rng.lognormal(np.log(traffic.mean_s) + SIGMA**2 / 2, SIGMA, traffic.calls)
    return whole * rng.random(traffic.calls)
