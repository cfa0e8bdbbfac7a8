"""Where should the door put a call among many workers, and what do failures of workers, machines and zones do?

    python -m bench.scale_sim                          a million calls at once
    python -m bench.scale_sim --calls 10000 --use 0.7

A simulation: no server runs. Its assumptions are in bench/placement: how long calls last, that each worker reports its
load once a second, that the door asks three workers before it refuses a caller, when clients come back. Two tables go
to standard error: the policies beside each other, and the failures with two random choices. The last line is JSON with
the same figures. The same seed gives the same figures.
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass

import numpy as np

from bench.common.figures import percent, show
from bench.placement.faults import RESTART, Event, scenarios
from bench.placement.fleet import Fleet
from bench.placement.policies import Policy, policies
from bench.placement.simulation import Outcome, Simulation
from bench.placement.traffic import Calls, Traffic

FAILS_S = 5
"""How long after the warm-up something fails."""


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What one policy did, after the warm-up."""

    policy: str
    offered: int
    rejected_percent: float
    refused_first_percent: float
    """Calls that the first worker refused."""
    fullest: float
    """The load of the fullest worker by the mean; the median of all seconds."""
    fullest_99: float
    """The same for the fullest of 99 % of the workers."""
    begun_in_a_second: int
    """At one worker, at most."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """What one failure did, with two random choices."""

    scenario: str
    displaced: int
    """Calls that had to go to another worker, or several times to another one."""
    back_s_p50: float | None
    back_s_p99: float | None
    all_back_s: float | None
    lost_percent: float
    """Of the calls that were displaced: given up by their clients."""
    rejected_percent: float
    """Of the new calls."""
    returns_in_a_second: int
    """Requests to come back, at most; each is a claim in Redis."""
    begun_in_a_second: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A fleet and its traffic. No figures are taken in the warm-up, in which each policy puts the calls its own way."""

    traffic: Traffic
    workers: int
    places: int
    warm_s: int
    seed: int

    def fleet(self) -> Fleet:
        return Fleet(self.workers, self.places)

    def policies(self) -> dict[str, Policy]:
        return policies(self.workers, np.random.default_rng([self.seed, 1]))

    def run(self, calls: Calls, policy: Policy, events: list[Event]) -> Outcome:
        rng = np.random.default_rng([self.seed, 2])
        return Simulation(calls, self.fleet(), policy, events, self.warm_s, rng).run(self.traffic.steps)


def policy_row(name: str, outcome: Outcome) -> PolicyRow:
    fullest, fullest_99 = np.median(np.array(outcome.imbalance), axis=0).round(2).tolist()
    rejected, refused = (percent(n, outcome.offered) for n in (outcome.rejected, outcome.refused_first))
    return PolicyRow(name, outcome.offered, rejected, refused, fullest, fullest_99, outcome.begun_in_a_second)


def fault_row(name: str, outcome: Outcome) -> FaultRow:
    waits_s = np.concatenate([*outcome.back_s, []])
    failed = len(waits_s) and name != RESTART  # a call that is moved goes on until it moves
    p50, p99 = np.quantile(waits_s, [0.5, 0.99]).round(1).tolist() if failed else (None, None)
    return FaultRow(
        name,
        outcome.displaced,
        p50,
        p99,
        outcome.all_back_s if failed else None,
        percent(outcome.lost, outcome.displaced),
        percent(outcome.rejected, outcome.offered),
        outcome.returns_in_a_second,
        outcome.begun_in_a_second,
    )


def compare(plan: Plan) -> tuple[list[PolicyRow], list[FaultRow]]:
    calls = Calls(plan.traffic, np.random.default_rng([plan.seed, 0]))
    rows = [policy_row(name, plan.run(calls, policy, [])) for name, policy in plan.policies().items()]
    two = plan.policies()["two random choices"]
    faults = [
        fault_row(name, plan.run(calls, two, events))
        for name, events in scenarios(plan.warm_s + FAILS_S, plan.fleet()).items()
    ]
    return rows, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls at once")
    parser.add_argument("--mean-s", type=float, default=200, help="how long a call lasts on average")
    parser.add_argument("--places", type=int, default=50, help="how many calls a worker takes")
    parser.add_argument("--use", type=float, default=0.6, help="the share of all places that is taken on average")
    parser.add_argument("--swing", type=float, default=0.0, help="by which share the rate of new calls rises and falls")
    parser.add_argument("--warm-s", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=300, help="after the warm-up")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    traffic = Traffic(options.calls, options.warm_s + options.seconds, options.mean_s, options.swing)
    workers = math.ceil(options.calls / options.places / options.use)
    start_s = time.perf_counter()
    rows, faults = compare(Plan(traffic, workers, options.places, options.warm_s, options.seed))
    of = f"{options.calls:,} calls, {workers:,} workers of {options.places} places, {options.use:.0%} taken"
    show(
        f"{of}: the policies",
        ("policy", "rejected %", "refused first %", "fullest / mean", "p99 / mean", "begun in 1 s at one"),
        (
            (r.policy, r.rejected_percent, r.refused_first_percent, f"{r.fullest:.2f}", f"{r.fullest_99:.2f}",
             r.begun_in_a_second)
            for r in rows
        ),
    )  # fmt: skip
    show(
        f"{of}: failures, with two random choices",
        ("", "displaced", "back s p50", "p99", "all s", "lost %", "new rejected %", "returns in 1 s", "begun at one"),
        (tuple(asdict(r).values()) for r in faults),
    )
    took_s = round(time.perf_counter() - start_s, 1)
    print(json.dumps({"workers": workers, "policies": [asdict(r) for r in rows],
                      "faults": [asdict(r) for r in faults], "took_s": took_s}))  # fmt: skip


if __name__ == "__main__":
    main()
