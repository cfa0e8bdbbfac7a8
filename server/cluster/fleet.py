"""Keeps as many workers running as the calls need, with the settings that are wanted now.

It looks every second at what there is, and takes one step towards what is wanted. It remembers nothing that it could
not find out again, so it may be ended and started at any time.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.cluster.announcement import Announcement
from server.cluster.plan import SILENT_S, Bounds, Member, Revive, Sizing, Start, Stop, next_step
from server.cluster.process import key_of, new_key
from server.cluster.roster import Roster
from server.errors import ConfigError, NotFound, StoreError

EVERY_S = 1.0
"""From one step to the next. It is as often as workers announce themselves."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A worker that somebody keeps running."""

    key: str
    generation: str
    placed: bool
    """Whether a machine has room for it."""


class Hosts(Protocol):
    """Where workers run: this machine, or the machines of Ray."""

    async def present(self) -> Sequence[Hosted]:
        """All workers that are kept running."""

    async def start(self, key: str, generation: str) -> None:
        """Keep one more running."""

    async def revive(self, key: str, url: str) -> None:
        """End the process of this worker at once if it does not answer at this address. Another one is started."""

    async def stop(self, key: str) -> None:
        """Let this worker drain, and then forget it. Returns when it is gone. Idempotent."""


class Fleet:
    """The workers of `hosts`. `roster` tells which of them are ready, and how many calls they have."""

    def __init__(self, hosts: Hosts, roster: Roster, bounds: Bounds, generation: str) -> None:
        self._hosts = hosts
        self._roster = roster
        self._sizing = Sizing()
        self._seen_s: dict[str, float] = {}
        """When each worker was seen for the first time."""
        self._heard: dict[str, tuple[float, Announcement]] = {}
        """What each worker has announced last, and when that was read."""
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self.bounds = bounds
        """May be changed at any time."""
        self.generation = generation
        """The workers of any other generation are replaced, one after the other. May be changed at any time."""

    async def run(self) -> None:
        """Take a step every second, until cancelled. The workers go on without it. Raises ConfigError when none of them
        can start."""
        known = True
        while True:
            try:
                await self.step()
                known = True
            except StoreError:
                self._heard = {key: (_now_s(), last) for key, (_, last) in self._heard.items()}
                if known:
                    log.warning("! the list of workers is not available; everything stays as it is")
                known = False
            except ConfigError:
                raise
            except Exception:
                log.exception("x fault in the fleet; the workers go on")
            await asyncio.sleep(EVERY_S)

    async def step(self) -> None:
        """Look, and take one step. Raises StoreError when it cannot tell what is there."""
        workers = await self._roster.present()
        members = await self._members(workers)
        staying = [member for member in members if member.key not in self._leaving]
        leaving = [member for member in members if member.key in self._leaving]
        announced = [member.worker for member in staying if member.worker is not None]
        wanted = self._sizing.wanted(announced, self.bounds, _now_s())
        match next_step(staying, leaving, self.generation, wanted):
            case Start(count):
                log.info("- %d more of %d workers", count, wanted)
                for _ in range(count):
                    await self._hosts.start(new_key(), self.generation)
            case Stop(key, why):
                log.info("- worker %s drains: %s", key, why)
                self._leave(key)
            case Revive(silent, key):
                log.warning("! worker %s says nothing any more", silent.name)
                del self._heard[key]
                await self._hosts.revive(key, silent.url)

    async def drain(self, name: str) -> None:
        """Let this worker drain and end; another one takes its place. One whose process is not there has its key for a
        name. Raises NotFound and StoreError."""
        for member in await self._members(await self._roster.present()):
            if name == (member.worker.name if member.worker is not None else member.key):
                self._leave(member.key)
                return
        raise NotFound(f"There is no worker {name}.")

    async def settled(self) -> bool:
        """Whether all is as it is wanted. Raises StoreError."""
        members = await self._members(await self._roster.present())
        as_wanted = all(member.serves and member.generation == self.generation for member in members)
        return as_wanted and len(members) >= self.bounds.least and not self._leaving

    async def close(self) -> None:
        """Let all workers drain and end, all at the same time."""
        for hosted in await self._hosts.present():
            self._leave(hosted.key)
        await asyncio.gather(*self._leaving.values())

    def _leave(self, key: str) -> None:
        if key not in self._leaving:
            task = asyncio.get_running_loop().create_task(self._hosts.stop(key), name=f"drain-{key}")
            self._leaving[key] = task
            task.add_done_callback(lambda _: self._leaving.pop(key))

    async def _members(self, workers: Sequence[Announcement]) -> list[Member]:
        by_key = {key_of(worker.name): worker for worker in workers}
        hosted = await self._hosts.present()
        now_s = _now_s()
        self._seen_s = {each.key: self._seen_s.get(each.key, now_s) for each in hosted}
        self._heard |= {key: (now_s, worker) for key, worker in by_key.items()}
        self._heard = {key: heard for key, heard in self._heard.items() if key in self._seen_s}
        silent = {key: last for key, (then_s, last) in self._heard.items() if now_s - then_s > SILENT_S}
        return [
            Member(
                each.key, each.generation, now_s - self._seen_s[each.key], each.placed,
                by_key.get(each.key), silent.get(each.key),
            )
            for each in hosted
        ]  # fmt: skip


def _now_s() -> float:
    return asyncio.get_running_loop().time()
