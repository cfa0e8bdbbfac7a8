"""For every test: an environment of its own, and no time limit for Hypothesis, however busy the machine is."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Mapping
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import server  # noqa: F401  # before the test files import libraries, which it keeps from calling their makers
from tests.loopback_time import LoopbackLoop

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Each process of the suite, and each server that it starts, would compile all modules anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

HERE = Path(__file__).parent
LONG = (
    "browser",
    "deploy",
    "calls",
    "contract",
    "page",
    "speech",
    "console",
    "cluster",
    "test_cli.py",
    "test_cli_conversations.py",
    "test_package.py",
)
"""Where tests take long, because people talk or processes start. They begin in this order."""
RAY = ("tests/cluster/test_ray.py", "tests/cluster/test_speech.py")
"""Each starts a Ray, which is a dozen processes."""
DEAF = ("tests/browser/test_access.py", "tests/browser/test_reoffers.py")
"""In these calls nobody says anything aloud, so nobody can be misheard."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a file of short tests follow each file of long ones: while those wait for sound and processes, these compute.
    The short ones that are left over fill all processes at the end."""
    ranks = {name: rank for rank, name in enumerate(LONG)}
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    rank_of = {path: ranks.get(path.relative_to(HERE).parts[0], len(LONG)) for path in files}
    long = sorted((path for path in files if rank_of[path] < len(LONG)), key=rank_of.__getitem__)
    short = [path for path in files if rank_of[path] == len(LONG)]
    items[:] = [item for pair in zip_longest(long, short) for path in pair if path for item in files[path]]


def pytest_collection_finish() -> None:
    """Spare each later garbage collection the hundreds of thousands of objects that the collected tests are."""
    gc.collect()
    gc.freeze()


class ByFile(LoadScopeScheduling):
    """Runs the tests of a file one after the other, because they share what is slow to start, such as a server; and
    also all in which a browser's microphone is heard, because two such at once would hear badly, and all that start a
    Ray.

    pytest-xdist has marks for this, but with pytest 9.2 they have no effect (pytest-xdist, issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in RAY:
            return "ray"
        return "browser" if file.startswith("tests/browser/") and file not in DEAF else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Share the tests among the processes."""
    return ByFile(config, log)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Whose clock the test goes by."""
    if item.get_closest_marker("loopback_time") and not item.get_closest_marker("wall_time"):
        return {"loopback time": LoopbackLoop}
    return {"time": asyncio.SelectorEventLoop}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Remove the machine's settings and keys, so that they reach no test."""
    for name in tuple(os.environ):
        if name.startswith(("ANTIPHON_", "OPENAI_", "ANTHROPIC_", "OLLAMA_")):
            monkeypatch.delenv(name)
