"""The simulation of placement: no call is lost or counted twice, and the policies do what they say."""

import numpy as np
import pytest

from bench.placement.faults import scenarios
from bench.placement.fleet import Fleet
from bench.placement.policies import policies
from bench.placement.simulation import LOST, NOT_YET, OVER, REJECTED, WAITING, Simulation
from bench.placement.traffic import STEPS_PER_S, Calls, Traffic, durations_s
from bench.scale_sim import FAILS_S, Plan, compare

WORKERS, PLACES = 100, 20
TRAFFIC = Traffic(calls=1_200, seconds=80, mean_s=60, swing=0.2)
WARM_S = 20
NAMES = ["two random choices", "one random", "round robin", "least loaded", "consistent hash"]
FAULTS = ["", "a worker is killed", "a machine is gone", "a zone is gone", "all are restarted"]


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def simulation(name: str, fault: str = "", traffic: Traffic = TRAFFIC) -> Simulation:
    fleet = Fleet(WORKERS, PLACES, per_machine=10)
    events = scenarios(WARM_S + FAILS_S, fleet)[fault] if fault else []
    return Simulation(
        Calls(traffic, rng()), fleet, policies(WORKERS, np.random.default_rng(8))[name], events, WARM_S, rng()
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_is_in_one_place(name: str, fault: str) -> None:
    """A worker's load is the number of its calls, within its places, and what has ended is nowhere."""
    running = simulation(name, fault)
    running.run(TRAFFIC.steps)
    where, calls = running.where, running.calls
    placed = where >= 0
    assert np.array_equal(np.bincount(where[placed], minlength=WORKERS), running.fleet.load)
    assert running.fleet.load.max() <= PLACES
    assert running.fleet.ready[where[placed]].all()
    over = calls.ends < TRAFFIC.steps
    assert set(np.unique(where[over])) <= {OVER, REJECTED, LOST}
    assert not np.isin(where[~over], [OVER, NOT_YET]).any()
    assert np.count_nonzero(where == WAITING) == running._waiting
    outcome = running.outcome
    assert outcome.offered == np.count_nonzero(calls.begins >= WARM_S * STEPS_PER_S)
    back = sum(map(len, outcome.back_s))
    assert outcome.displaced == back + outcome.lost + outcome.over_while_waiting + running._waiting
    assert bool(outcome.displaced) == bool(fault)


def test_two_choices_are_more_even_than_one() -> None:
    """And neither refuses a call at this load, while the least loaded worker of a second ago refuses many."""
    fullest = {}
    for name in NAMES:
        outcome = simulation(name).run(TRAFFIC.steps)
        fullest[name] = np.median([most for most, _ in outcome.imbalance])
        assert (outcome.refused_first > outcome.offered / 10) == (name == "least loaded")
    assert fullest["two random choices"] < 1.25 < 1.4 < fullest["one random"]


def test_the_calls_are_as_many_as_wanted() -> None:
    """From the first second on, and they last as long as was said."""
    traffic = Traffic(calls=20_000, seconds=100, mean_s=60)
    calls = Calls(traffic, rng())
    for step in (1, 300, 900):
        present = np.count_nonzero((calls.begins <= step) & (calls.ends > step))
        assert abs(present - 20_000) < 600
    assert abs(durations_s(60, 100_000, rng()).mean() - 60) < 1


def test_a_full_worker_takes_the_first_calls_only() -> None:
    fleet = Fleet(workers=2, places=3)
    taken = fleet.admit(np.array([0, 0, 1, 0, 0]))
    assert taken.tolist() == [True, True, True, True, False]
    fleet.release(np.array([0]))
    assert fleet.load.tolist() == [2, 1]


def test_a_consistent_hash_moves_only_the_calls_of_the_worker_that_is_gone() -> None:
    fleet, ring, keys = (
        Fleet(WORKERS, PLACES),
        policies(WORKERS, np.random.default_rng(8))["consistent hash"],
        rng().random(1_000),
    )
    before = ring.choose(fleet, keys, 0, rng())
    fleet.ready[before[0]] = False
    fleet.look()
    after = ring.choose(fleet, keys, 0, rng())
    assert np.array_equal(before != after, before == before[0])


def test_the_same_seed_gives_the_same_figures() -> None:
    plan = Plan(Traffic(200, 30, 60), workers=40, places=8, warm_s=10, seed=3)
    assert compare(plan) == compare(plan)
