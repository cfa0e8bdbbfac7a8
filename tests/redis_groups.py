"""Redis that fails over, for tests: a primary with a replica and three sentinels, and a cluster. Real processes on
127.0.0.1."""

import contextlib
import hashlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from tests.relay import free_port

START_S = 30
SERVICE = "conversations"
SOON_MS, LATE_MS = 1_000, 60_000
"""After how long without an answer a server counts as down: in tests of a failover, and in others, in which a busy
machine must not begin one."""
DURABLE = ("appendonly yes", "appendfsync always", 'save ""', "repl-diskless-sync-delay 0")
CLUSTER = ("cluster-enabled yes", "cluster-replica-validity-factor 0")
SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
"""Which keys each primary of the cluster has."""
NODES = 4
KEYS = b"{antiphon}"
"""How the keys of a server begin in a cluster."""
NEVER = Retry(NoBackoff(), 0)


class RedisNode:
    """A redis-server on a port of its own, which can be killed and started again with its data."""

    def __init__(self, directory: Path, *lines: str, sentinel: bool = False) -> None:
        """`lines` are those of its configuration."""
        directory.mkdir()
        self.port = free_port()
        self._file = directory / "redis.conf"
        self._options = ["--sentinel"] if sentinel else []
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(f"port {self.port}", "bind 127.0.0.1", f"dir {directory}", *lines)

    @property
    def address(self) -> str:
        return f"127.0.0.1 {self.port}"

    def configure(self, *lines: str) -> None:
        with self._file.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def start(self) -> None:
        assert shutil.which("redis-server"), "apt-get install redis-server"
        command = ["redis-server", str(self._file), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(lambda: self.ask("PING"))

    def kill(self) -> None:
        """kill -9; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Stop the process: the kernel still accepts connections for it, but it never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def ask(self, *command: str | int) -> Any:
        """The answer to a command, or None while the server cannot give one."""
        with Redis(port=self.port, decode_responses=True, retry=NEVER) as client:
            with contextlib.suppress(RedisError, OSError):
                return client.execute_command(*command)


class Group:
    """Servers of which some may fail. `url` leads to all. `primary` has the conversations, and `machine` is what fails
    together with it."""

    def __init__(self, url: str, nodes: Sequence[RedisNode], primary: RedisNode, machine: Sequence[RedisNode]) -> None:
        self.url = url
        self.nodes = nodes
        self.primary = primary
        self._machine = machine

    def in_step(self) -> None:
        """Wait until the replica has what the primary has."""
        until(self._same_place)

    def kill(self) -> None:
        """kill -9 of the primary and of what is on its machine."""
        for node in self._machine:
            node.kill()

    def _same_place(self) -> bool:
        """Whether the replica is connected and has all that the primary has."""
        _, ours, replicas = self.primary.ask("ROLE")
        present = {replica[1] for replica in replicas}
        return [node.ask("ROLE")[4] for node in self.nodes if str(node.port) in present] == [ours]


@contextmanager
def watched(directory: Path, down_ms: int = SOON_MS) -> Iterator[Group]:
    """A primary, its replica, and three sentinels, which make the replica the primary when the primary is down."""
    primary = RedisNode(directory / "primary", *DURABLE)
    replica = RedisNode(directory / "replica", *DURABLE, f"replicaof {primary.address}")
    sentinels = [RedisNode(directory / f"sentinel{i}", sentinel=True) for i in range(3)]
    for each in sentinels:
        known = [f"known-replica {SERVICE} {replica.address}"]
        known += [f"known-sentinel {SERVICE} {one.address} {_id(one)}" for one in sentinels if one is not each]
        each.configure(f"sentinel myid {_id(each)}", f"sentinel monitor {SERVICE} {primary.address} 2")
        known += [f"down-after-milliseconds {SERVICE} {down_ms}", f"failover-timeout {SERVICE} 4000"]
        each.configure(*(f"sentinel {line}" for line in known))
    with running(primary, replica, *sentinels):
        nodes, machine = (primary, replica, *sentinels), (primary, sentinels[0])
        group = Group(_url("sentinel", sentinels, f"/{SERVICE}"), nodes, primary, machine)
        group.in_step()
        yield group


@contextmanager
def cluster(directory: Path, down_ms: int = SOON_MS) -> Iterator[Group]:
    """Three primaries that share the keys. The one that has the conversations has a replica."""
    ports = [free_port() for _ in range(NODES)]
    lines = (*DURABLE, *CLUSTER, f"cluster-node-timeout {down_ms}")
    nodes = [RedisNode(directory / f"node{i}", *lines, f"cluster-port {ports[i]}") for i in range(NODES)]
    with running(*nodes):
        ids = [node.ask("CLUSTER", "MYID") for node in nodes]
        for node, (first, last) in zip(nodes, SLOTS, strict=False):
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        for i, node in enumerate(nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            node.ask("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, ports[0])
        owner = next(i for i, (first, last) in enumerate(SLOTS) if first <= key_slot(KEYS) <= last)
        until(lambda: nodes[-1].ask("CLUSTER", "REPLICATE", ids[owner]))
        until(lambda: all(map(_is_whole, nodes)))
        group = Group(_url("cluster", nodes), nodes, nodes[owner], nodes[owner : owner + 1])
        group.in_step()
        yield group


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, "the servers do not get ready"
        time.sleep(0.02)


@contextmanager
def running(*nodes: RedisNode) -> Iterator[None]:
    try:
        for node in nodes:
            node.start()
        yield
    finally:
        for node in nodes:
            node.kill()


def _is_whole(node: RedisNode) -> bool:
    """Whether a node of a cluster knows all nodes, and where all keys are."""
    info, known = node.ask("CLUSTER", "INFO"), node.ask("CLUSTER", "NODES")
    return "cluster_state:ok" in info and len(known.splitlines()) == NODES and known.count("slave") == 1


def _id(sentinel: RedisNode) -> str:
    return hashlib.sha1(sentinel.address.encode()).hexdigest()


def _url(kind: str, nodes: Sequence[RedisNode], path: str = "") -> str:
    return f"redis+{kind}://{','.join(f'127.0.0.1:{node.port}' for node in nodes)}{path}"
