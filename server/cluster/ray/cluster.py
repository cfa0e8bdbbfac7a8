"""What an operator does with the cluster: bring it up, look at it, change it, take it down. Blocks; not for a loop."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError

from server.cluster.keeper import STOP_S
from server.cluster.plan import Bounds
from server.cluster.ray.door_keeper import DoorKeeper, DoorReport
from server.cluster.ray.hosts import NAMESPACE
from server.cluster.ray.manager import NAME as MANAGER
from server.cluster.ray.manager import Manager, Report
from server.cluster.spec import ClusterSpec
from server.errors import ConfigError

ANSWER_S = 20.0
"""How long an actor may take to answer. It takes milliseconds, except while Ray starts it."""
POLL_S = 0.25
"""How often it is looked whether something has happened."""
_DOOR = "door-"
_HEAD = "node:__internal_head__"
"""The resource by which Ray knows its head."""
_USUAL = {"namespace": NAMESPACE, "lifetime": "detached", "num_cpus": 0, "max_restarts": -1, "max_task_retries": 0}
"""Actors that need no core of their own, outlive this program, and are started again."""
_NO_DOOR = DoorReport("", "The door waits for the head of Ray.", 0, 0)


@dataclass(frozen=True, slots=True)
class Overview:
    """The cluster, and what stands around it."""

    report: Report
    door: DoorReport
    dashboard: str
    """The address of Ray's own page; "" if it has none."""
    machines: int

    @property
    def settled(self) -> bool:
        """Whether all is as it is wanted."""
        ready = sum(each.worker is not None and each.worker.state == "ready" for each in self.report.workers)
        return self.report.settled and not self.door.trouble and self.door.workers >= ready

    @property
    def stuck(self) -> bool:
        """Whether a worker cannot start with the settings that are wanted, so waiting changes nothing."""
        generation = self.report.spec.generation
        return any(each.generation == generation and each.seat and each.seat.trouble for each in self.report.workers)


class RayCluster:
    """The cluster in the Ray that this program is connected to."""

    def __init__(self, dashboard: str = "") -> None:
        self._dashboard = dashboard

    @property
    def head(self) -> str:
        """The address of the machine on which the door is."""
        for node in ray.nodes():  # type: ignore[no-untyped-call]
            if node["Alive"] and _HEAD in node["Resources"]:
                return str(node["NodeManagerAddress"])
        raise ConfigError("Ray has no head at present")

    def up(self, spec: ClusterSpec) -> None:
        """Make the cluster what `spec` says. What is so already stays as it is, and workers that run with other
        settings are replaced one after the other."""
        if self._spec() != spec:
            self._manage(spec)
        wanted = _DOOR + spec.door_generation
        doors = self._named(_DOOR)
        for name in doors:
            if name != wanted:
                self._end(name, "close", 10)
        if wanted not in doors:
            actor: Any = ray.remote(DoorKeeper)
            actor.options(name=wanted, resources={_HEAD: 0.001}, **_USUAL).remote(spec)

    def overview(self) -> Overview | None:
        """How it is now; None: there is no cluster."""
        report: Report | None = self._ask(MANAGER, "about")
        if report is None:
            return None
        door: DoorReport | None = self._ask(_DOOR + report.spec.door_generation, "about")
        machines = sum(bool(node["Alive"]) for node in ray.nodes())  # type: ignore[no-untyped-call]
        return Overview(report, door or _NO_DOOR, self._dashboard, machines)

    def wait(self, wanted: Callable[[Overview], bool], limit_s: float) -> Overview:
        """Wait until the overview is as `wanted`. The last overview when the time is over. Raises ConfigError."""
        until_s = time.monotonic() + limit_s
        while True:
            seen = self.overview()
            if seen is not None and (wanted(seen) or time.monotonic() > until_s):
                return seen
            if time.monotonic() > until_s:
                raise ConfigError("the manager of the cluster does not answer; Ray's dashboard says why")
            _pause()

    def change(self, bounds: Bounds | None = None, roll: bool = False) -> None:
        """Have another number of workers, or replace them all, one after the other. Raises ConfigError."""
        spec = self._spec()
        if spec is None:
            raise ConfigError("there is no cluster here; antiphon cluster up starts one")
        self._manage(replace(spec, bounds=bounds or spec.bounds, rolled=spec.rolled + roll))

    def drain(self, name: str) -> None:
        """Let this worker drain; another takes its place. Raises ConfigError."""
        trouble = self._ask(MANAGER, "drain", name)
        if trouble is None:
            raise ConfigError("there is no cluster here; antiphon cluster up starts one")
        if trouble:
            raise ConfigError(str(trouble))

    def down(self) -> None:
        """Let all workers drain and end, and close the door."""
        spec = self._spec()
        self._end(MANAGER, "down", (spec.worker.drain_s if spec else 0) + STOP_S + 10)
        for name in [*self._named("worker-"), *self._named(_DOOR)]:
            self._end(name, "close" if name.startswith(_DOOR) else "stop", STOP_S)

    def _manage(self, spec: ClusterSpec) -> None:
        """Put a manager with this spec in the place of the present one. The workers go on meanwhile."""
        self._kill(MANAGER)
        actor: Any = ray.remote(Manager)
        actor.options(name=MANAGER, max_concurrency=16, **_USUAL).remote(spec)

    def _spec(self) -> ClusterSpec | None:
        report: Report | None = self._ask(MANAGER, "about")
        return report.spec if report is not None else None

    def _named(self, prefix: str) -> list[str]:
        return [name for name in ray.util.list_named_actors() if name.startswith(prefix)]

    def _ask(self, name: str, method: str, *arguments: object) -> Any:
        """What the actor answers; None if it is not there, or does not answer."""
        try:
            actor = ray.get_actor(name, NAMESPACE)
            return ray.get(getattr(actor, method).remote(*arguments), timeout=ANSWER_S)
        except (ValueError, RayError, GetTimeoutError):
            return None

    def _end(self, name: str, method: str, deadline_s: float) -> None:
        """Let an actor end by its own method, and end it after the deadline."""
        try:
            actor = ray.get_actor(name, NAMESPACE)
        except ValueError:
            return
        try:
            ray.get(getattr(actor, method).remote(), timeout=deadline_s)
        except GetTimeoutError:
            self._kill(name)
        except RayError:  # it has ended, as it should
            pass
        self._gone(name)

    def _kill(self, name: str) -> None:
        try:
            ray.kill(ray.get_actor(name, NAMESPACE), no_restart=True)
        except ValueError:
            return
        self._gone(name)

    def _gone(self, name: str) -> None:
        """Wait until the name is free. Raises ConfigError."""
        until_s = time.monotonic() + ANSWER_S
        while name in ray.util.list_named_actors():
            if time.monotonic() > until_s:
                raise ConfigError(f"Ray does not end its actor {name}")
            _pause()


def _pause() -> None:
    threading.Event().wait(POLL_S)
