"""A simulation of placement: calls begin, are placed, refused, tried elsewhere, moved, lost, and end."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from bench.placement.faults import Event
from bench.placement.fleet import Fleet
from bench.placement.policies import Policy
from bench.placement.traffic import STEP_S, STEPS_PER_S, Calls, Floats, Ints

TRIES = 3
"""How many workers the door asks for one request before it refuses the caller."""
PATIENCE_S = 60.0
"""How long a client tries to get its call back."""
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 4.0
"""How long a refused client waits before the next try: twice as long each time, up to the last, by half at random."""

NOT_YET, WAITING, REJECTED, LOST, OVER = -1, -2, -3, -4, -5
"""Where a call is that is at no worker."""


@dataclass
class Outcome:
    """What happened after the warm-up. `back_s` has how long each call waited that lost its worker and came back."""

    offered: int = 0
    rejected: int = 0
    refused_first: int = 0
    displaced: int = 0
    lost: int = 0
    over_while_waiting: int = 0
    back_s: list[Floats] = field(default_factory=list)
    returns_in_a_second: int = 0
    begun_in_a_second: int = 0
    """At one worker."""
    imbalance: list[tuple[float, float]] = field(default_factory=list)
    all_back_s: float | None = None
    """When the last call that waited was back, lost or over, after the first was displaced; None: some still wait."""


class Simulation:
    """One run. `where` says for each call at which worker it is, or why it is at none."""

    def __init__(
        self, calls: Calls, fleet: Fleet, policy: Policy, events: list[Event], warm_s: int, rng: np.random.Generator
    ) -> None:
        self.calls, self.fleet, self.outcome = calls, fleet, Outcome()
        self.where: Ints = np.full(len(calls), NOT_YET)
        self._policy, self._rng, self._warm = policy, rng, warm_s * STEPS_PER_S
        self._events: dict[int, list[Event]] = defaultdict(list)
        for event in events:
            self._events[event.step].append(event)
        self._due: dict[int, list[Ints]] = defaultdict(list)
        """The calls that try to come back in a step."""
        self._waited: Ints = np.zeros(len(calls), np.int64)
        """In which step a call lost its worker."""
        self._tries: Ints = np.zeros(len(calls), np.int64)
        self._waiting = 0
        self._displaced_at: int | None = None
        self._returns = 0
        self._put(np.arange(calls.running), np.arange(calls.running) % len(fleet))

    def run(self, steps: int) -> Outcome:
        for step in range(steps):
            self.fleet.report(step)
            for event in self._events.pop(step, []):
                self._displace(step, event)
            self._end(self.calls.over(step))
            self._come_back(step)
            self._begin(step)
            if step % STEPS_PER_S == STEPS_PER_S - 1:
                self._look(step)
        return self.outcome

    def _put(self, calls: Ints, workers: Ints) -> None:
        taken = self.fleet.admit(workers)
        self.where[calls[taken]] = workers[taken]
        self.where[calls[~taken]] = REJECTED

    def _place(self, step: int, calls: Ints, returning: bool) -> Ints:
        """Place calls, and return those that nobody took."""
        for tries in range(TRIES):
            chosen = self._policy.choose(self.fleet, self.calls.keys[calls], tries, self._rng)
            taken = self.fleet.admit(chosen)
            self.where[calls[taken]] = chosen[taken]
            calls = calls[~taken]
            if tries == 0 and not returning and step >= self._warm:
                self.outcome.refused_first += len(calls)
            if not len(calls):
                break
        return calls

    def _begin(self, step: int) -> None:
        new = self.calls.new(step)
        if not len(new):
            return
        rejected = self._place(step, new, returning=False)
        self.where[rejected] = REJECTED
        if step >= self._warm:
            self.outcome.offered += len(new)
            self.outcome.rejected += len(rejected)

    def _end(self, calls: Ints) -> None:
        where = self.where[calls]
        self.fleet.release(where[where >= 0])
        waiting = int(np.count_nonzero(where == WAITING))
        self._waiting -= waiting
        self.outcome.over_while_waiting += waiting
        self.where[calls[(where >= 0) | (where == WAITING)]] = OVER

    def _displace(self, step: int, event: Event) -> None:
        """Workers stop, and their calls look for others; or workers come back."""
        if event.look:
            self.fleet.look()
            return
        self.fleet.ready[event.workers] = event.ready
        if event.ready:
            return
        stopped = np.zeros(len(self.fleet), bool)
        stopped[event.workers] = True
        hit = np.flatnonzero((self.where >= 0) & stopped[self.where])
        self.fleet.load[event.workers] = 0
        self.where[hit], self._waited[hit], self._tries[hit] = WAITING, step, 0
        self._waiting += len(hit)
        self.outcome.displaced += len(hit)
        self._displaced_at = step if self._displaced_at is None else self._displaced_at
        self._retry(hit, step + (self._rng.uniform(*event.away_s, len(hit)) / STEP_S).astype(np.int64))

    def _come_back(self, step: int) -> None:
        if not (due := self._due.pop(step, [])):
            return
        calls = np.concatenate(due)
        calls = calls[self.where[calls] == WAITING]
        left = self._place(step, calls, returning=True)
        back = calls[self.where[calls] >= 0]
        self.outcome.back_s.append((step - self._waited[back]) * STEP_S)
        gone = left[(step - self._waited[left]) * STEP_S > PATIENCE_S]
        self.where[gone] = LOST
        self.outcome.lost += len(gone)
        self._returns += len(calls)
        self._waiting -= len(back) + len(gone)
        again = left[self.where[left] == WAITING]
        wait_s = np.minimum(FIRST_RETRY_S * 2 ** self._tries[again], LAST_RETRY_S) * self._rng.uniform(
            0.5, 1, len(again)
        )
        self._tries[again] += 1
        self._retry(again, step + 1 + (wait_s / STEP_S).astype(np.int64))

    def _retry(self, calls: Ints, steps: Ints) -> None:
        order = np.argsort(steps, kind="stable")
        at, first = np.unique(steps[order], return_index=True)
        for step, some in zip(at.tolist(), np.split(calls[order], first)[1:], strict=True):
            self._due[step].append(some)

    def _look(self, step: int) -> None:
        """Once a second."""
        outcome = self.outcome
        if self._waiting == 0 and self._displaced_at is not None and outcome.all_back_s is None:
            outcome.all_back_s = (step + 1 - self._displaced_at) * STEP_S
        if step >= self._warm:
            outcome.imbalance.append(self.fleet.imbalance)
            outcome.begun_in_a_second = max(outcome.begun_in_a_second, int(self.fleet.begun.max()))
            outcome.returns_in_a_second = max(outcome.returns_in_a_second, self._returns)
        self.fleet.begun[:] = 0
        self._returns = 0
