"""What happens to the workers of a simulation, and when: one, a machine or a zone dies, or all are restarted."""

from dataclasses import dataclass

import numpy as np

from bench.placement.fleet import Fleet
from bench.placement.traffic import STEPS_PER_S, Ints

EXPIRY_S = 4
"""How long the door takes a dead worker for ready: until its announcement expires."""
KILLED_AWAY_S = (0.2, 3.0)
"""After how long clients of a killed process connect again. They hear at once that the connection has ended, and wait
for a random part of 3 s, so that they do not come all at once."""
SILENT_AWAY_S = (3.0, 10.0)
"""After how long clients of a machine or a zone that is gone connect again. They hear nothing, and notice it by the
missing packets after some seconds; then they wait as before."""
DRAIN_S = 10
"""A worker that drains moves its calls within this time, and is back with a new process after RESTART_S."""
RESTART_S = 20
"""The next ones drain when these are back."""
RESTART = "all are restarted"


@dataclass(frozen=True, slots=True)
class Event:
    """In `step` these workers stop or come back (`ready`), or the door learns who is ready (`look`)."""

    step: int
    workers: Ints
    ready: bool = False
    look: bool = False
    away_s: tuple[float, float] = KILLED_AWAY_S
    """After how long the calls of workers that stop try to come back."""


def death(at_s: int, workers: Ints, away_s: tuple[float, float]) -> list[Event]:
    """They are dead for good."""
    step = at_s * STEPS_PER_S
    return [Event(step, workers, away_s=away_s), Event(step + EXPIRY_S * STEPS_PER_S, workers, look=True)]


def rolling_restart(at_s: int, fleet: Fleet, share: float) -> list[Event]:
    """One `share` of the workers after the other says that it takes no more calls, moves its calls, and starts anew."""
    events, step = [], at_s * STEPS_PER_S
    for batch in np.array_split(np.arange(len(fleet)), round(1 / share)):
        back = step + RESTART_S * STEPS_PER_S
        events += [Event(step, batch, away_s=(0, DRAIN_S)), Event(step, batch, look=True)]
        events += [Event(back, batch, ready=True), Event(back, batch, look=True)]
        step = back
    return events


def scenarios(at_s: int, fleet: Fleet) -> dict[str, list[Event]]:
    """What is simulated, by its name."""
    return {
        "a worker is killed": death(at_s, np.array([0]), KILLED_AWAY_S),
        "a machine is gone": death(at_s, np.flatnonzero(fleet.machine == 0), SILENT_AWAY_S),
        "a zone is gone": death(at_s, np.flatnonzero(fleet.zone == 0), SILENT_AWAY_S),
        RESTART: rolling_restart(at_s, fleet, 0.1),
    }
