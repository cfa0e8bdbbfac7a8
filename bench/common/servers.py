"""Starts servers and other programs, each in a process of its own on a CPU core of its own, and ends them again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE, OTHER_CORE = "0", "1"
"""The server has a core for itself; the callers and the provider share the other one."""
START_S = 60.0
"""How long a server may take to start before the bench gives up."""
SETTLE_S = 1.0
"""How long to leave a server alone after it is ready, before its empty state is measured."""
ROOT = Path(__file__).parent.parent.parent
"""The checkout that this file is in."""


@contextmanager
def running(core: str, *arguments: str, tree: Path = ROOT, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process on that core, in that checkout. The context ends it by SIGTERM, and after 10 s by SIGKILL."""
    command = ["taskset", "-c", core, sys.executable, *arguments]
    process = subprocess.Popen(
        command, cwd=tree, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def serving(name: str, provider: str, tree: Path = ROOT, **changes: str) -> Iterator[tuple[str, int]]:
    """The URL and the process id of a server that answers calls: "plain aiortc", or any other name for Antiphon.

    `provider` is the URL of the models that Antiphon uses, `tree` the checkout that it is started from. `changes` are
    settings of Antiphon's environment that differ from `antiphon_environment`.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    if name == "plain aiortc":
        arguments, environment = ["-m", "bench.capacity.plain_aiortc", "--port", str(port)], {}
    else:
        package = "antiphon" if (tree / "antiphon").is_dir() else "server"  # its name in checkouts of older versions
        arguments, environment = ["-m", package, "serve", "--port", str(port)], antiphon_environment(provider) | changes
    with running(SERVER_CORE, *arguments, tree=ROOT if name == "plain aiortc" else tree, **environment) as process:
        wait_until_ready(url)
        time.sleep(SETTLE_S)
        yield url, process.pid


def antiphon_environment(provider: str) -> dict[str, str]:
    """Settings with which Antiphon refuses no call, prompts no silent caller, and starts no speech workers."""
    return {
        "OPENAI_BASE_URL": f"{provider}/v1",
        "OPENAI_API_KEY": "none",
        "ANTIPHON_MEDIA_ADDRESSES": "127.0.0.1",
        "ANTIPHON_STT": "openai",
        "ANTIPHON_STT_URL": f"{provider}/v1",
        "ANTIPHON_TTS": "openai",
        "ANTIPHON_TTS_URL": f"{provider}/v1",
        "ANTIPHON_ENDPOINT_MODEL": "none",
        "ANTIPHON_MODEL": "openai-chat:any",
        "ANTIPHON_MAX_CALLS": "1000",
        "ANTIPHON_ADMISSION_LAG_MS": "1e9",
        "ANTIPHON_ADMISSION_WAIT_MS": "1e9",
        "ANTIPHON_IDLE_PROMPT_S": "3600",
        "ANTIPHON_LOG_LEVEL": "warning",
        "ANTIPHON_DRAIN_S": "0",
    }


@contextmanager
def providing(speech_s: float, *options: str) -> Iterator[str]:
    """The URL of a provider with its default delays or these options. Each of its clauses sounds for `speech_s`."""
    port = free_port()
    with running(OTHER_CORE, "-m", "bench.provider", "--port", str(port), "--speech-s", str(speech_s), *options):
        wait_until_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"


def expect_line(line: str, wanted: str) -> None:
    """Check what a program has printed. Raises SystemExit if it is not `wanted`, because then the program has ended."""
    if line.strip() != wanted:
        raise SystemExit(f"the callers ended before they printed {wanted!r}")


def wait_until_ready(url: str) -> None:
    """Wait until the server takes calls. A server without /health/ready counts as ready as soon as it listens.

    Raises SystemExit after START_S.
    """
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=1).close()
            return
        except urllib.error.HTTPError as answer:
            if answer.code == 404:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"no server answers at {url}")


def free_port() -> int:
    """A TCP port on 127.0.0.1 that no program listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
