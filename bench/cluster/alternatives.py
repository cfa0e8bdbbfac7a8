"""What could stand in front of the workers: HAProxy (the door), a proxy of aiohttp, Ray Serve.

python -m bench.cluster.alternatives                           # HAProxy and aiohttp
python -m bench.cluster.alternatives --ray path/to/python      # Ray Serve too, by a Python that has ray[serve]

Each passes WebSocket frames and offers on to one worker that echoes, by turns with the straight way.
"""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cluster.running import door, echo_worker, free_port
from bench.cluster.turns import HEADER, measure

HERE = Path(__file__).parent


@contextmanager
def python_proxy(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A proxy in Python, which prints a line when it serves."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        while "serving" not in (line := process.stdout.readline()):
            assert line, "the proxy does not start"
        yield process
    finally:
        process.terminate()
        process.wait(30)


def named(*names: str) -> list[int]:
    """The processes whose command begins with one of the names."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().decode(errors="replace").startswith(names):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", default="", help="a Python that has ray[serve]")
    parser.add_argument("--offers", type=int, default=300)
    parser.add_argument("--sockets", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    size = given.offers, given.sockets, given.seconds
    print(HEADER)
    with echo_worker() as direct:
        async with door(direct) as opened:
            print(*(await measure("HAProxy", direct, opened.url, lambda: [opened.pid], size)).lines(), sep="\n")
        port = free_port()
        with python_proxy([sys.executable, str(HERE / "aiohttp_proxy.py"), direct, str(port)]) as process:
            through = f"http://127.0.0.1:{port}"
            print(*(await measure("aiohttp", direct, through, lambda: [process.pid], size)).lines(), sep="\n")
        if given.ray:
            port = free_port()
            with python_proxy([given.ray, str(HERE / "ray_proxy.py"), direct, str(port)]):
                through = f"http://127.0.0.1:{port}"
                pids = named("ray::ServeReplica", "ray::ProxyActor")
                print(*(await measure("Ray Serve", direct, through, lambda: pids, size)).lines(), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
