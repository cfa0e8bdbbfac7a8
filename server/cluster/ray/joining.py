"""Finds the Ray to work with: one that runs already, or one that is started on this machine."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import ray
from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available
from ray._private.utils import read_ray_address

from server.cluster.ray.cluster import RayCluster
from server.cluster.ray.hosts import NAMESPACE
from server.cluster.ray.priority import VARIABLES as PRIORITY
from server.errors import ConfigError

START_S = 120.0
"""How long Ray may take to start. It takes some seconds on a quiet machine."""
PROBE_S = 3.0
"""How long a connection to Ray may take."""
STOP_S = 30.0
OBJECT_STORE_BYTES = 80 * 2**20
"""The smallest that Ray takes. Nothing of a call goes through it."""
TOKENS_ONLY = {"RAY_AUTH_MODE": "token"}
"""Ray listens on all addresses, and runs whatever it is told: so it asks for the token in ~/.ray/auth_token."""
AUTO = "auto"
HERE = "127.0.0.2"
"""The address of a machine that is alone. Ray replaces 127.0.0.1 by an address of the network, at which others would
reach the workers' own ports."""
PID_FILE = Path.home() / ".local" / "state" / "antiphon" / "ray.pid"
"""The process of the Ray that `antiphon cluster up` has started, so that `down` ends this one and no other."""


def join(address: str, start_with_cores: int = 0) -> RayCluster:
    """Connect to the Ray at this address; "auto": the one that runs on this machine.

    Where none runs, one is started with so many cores, which serves this machine only. With 0 none is started. Raises
    ConfigError.
    """
    try:
        return _connected(address)
    except ConnectionError as exc:
        if address != AUTO or not start_with_cores:
            hint = "antiphon cluster up starts one" if address == AUTO else "is the address right?"
            raise ConfigError(f"no Ray answers at {address}; {hint}") from exc
    _start(start_with_cores)
    return _connected(AUTO)


def _connected(address: str) -> RayCluster:
    found = _found(address)
    if PID_FILE.exists():  # it asks for the token
        logging.getLogger("ray").setLevel(logging.ERROR)  # Ray would warn that it does so
        maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    try:
        context = ray.init(found, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except (ValueError, RuntimeError) as exc:
        raise ConfigError(f"cannot join Ray at {address}: {str(exc).splitlines()[0]}") from exc
    url = getattr(context, "dashboard_url", "")
    return RayCluster(f"http://{url}" if url else "")


def _found(address: str) -> str:
    """The address itself; of "auto", the one that the Ray of this machine has written down. Raises ConnectionError.

    Ray would also take any Ray that it finds among the processes, and look for one that has ended for minutes.
    """
    known = read_ray_address() if address == AUTO else address
    if not known:
        raise ConnectionError
    if "://" in known:
        return known
    host, _, port = known.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PROBE_S).close()
    except ValueError as exc:
        raise ConfigError(f"{address} is no address of a Ray: it is like 10.0.0.5:6379") from exc
    except OSError as exc:
        raise ConnectionError from exc
    return known


def leave() -> None:
    """Disconnect. The cluster goes on."""
    ray.shutdown()


def _start(cores: int) -> None:
    """Start a Ray of this machine's own, which goes on after this program. Raises ConfigError."""
    ray_itself = (sys.executable, "-m", "ray.scripts.scripts")
    made = subprocess.run([*ray_itself, "get-auth-token", "--generate"], capture_output=True, text=True)
    if made.returncode:
        raise ConfigError(f"Ray makes no token: {made.stderr.strip()[-200:]}")
    command = [
        *ray_itself, "start", "--head", "--block", "--disable-usage-stats",
        "--node-ip-address", HERE, "--port", "0", "--dashboard-host", "127.0.0.1",
        "--num-cpus", str(cores), "--object-store-memory", str(OBJECT_STORE_BYTES),
    ]  # fmt: skip
    PID_FILE.parent.mkdir(parents=True, exist_ok=True)
    log = PID_FILE.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | TOKENS_ONLY | PRIORITY,
        )
    PID_FILE.write_text(str(process.pid), encoding="ascii")
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        if process.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise ConfigError(f"Ray does not start: {lines[-1] if lines else process.returncode}; see {log}")
        with contextlib.suppress(ConnectionError, ConfigError):
            _connected(AUTO)
            leave()
            return
        _pause()
    raise ConfigError(f"Ray does not start within {START_S:g} s; see {log}")


def stop() -> bool:
    """End the Ray that `join` has started on this machine. Returns whether there was one."""
    try:
        pid = int(PID_FILE.read_text(encoding="ascii"))
        started_by_us = b"ray.scripts.scripts" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    finally:
        PID_FILE.unlink(missing_ok=True)
    if started_by_us:
        os.kill(pid, signal.SIGTERM)
        until_s = time.monotonic() + STOP_S
        while time.monotonic() < until_s and Path(f"/proc/{pid}").exists():
            _pause()
    return started_by_us


def _pause() -> None:
    threading.Event().wait(0.25)
