"""For every test: an environment of its own, and no time limit for Hypothesis, however busy the machine is."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import server  # noqa: F401  # before the test files import libraries, which it keeps from calling their makers

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

HERE = Path(__file__).parent
LIVE = ("browser", "deploy", "calls", "contract")
"""Tests that wait while people talk. They begin first, so that the short ones fill the other processes at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say in which order the tests run, and which run one after the other (`--dist loadgroup`): those of a file, and
    all that drive a browser through a call, because two browsers at once would hear badly."""
    items.sort(key=lambda item: _place(item) not in LIVE)
    for item in items:
        group = "browser" if _place(item) == "browser" else item.path.relative_to(HERE).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))


def _place(item: pytest.Item) -> str:
    """The directory of its file, in tests/."""
    return item.path.relative_to(HERE).parts[0]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Remove the machine's settings and keys, so that they reach no test."""
    for name in tuple(os.environ):
        if name.startswith(("ANTIPHON_", "OPENAI_", "ANTHROPIC_", "OLLAMA_")):
            monkeypatch.delenv(name)
