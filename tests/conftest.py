"""For every test: an environment of its own, and no time limit for Hypothesis, however busy the machine is."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import server  # noqa: F401  # before the test files import libraries, which it keeps from calling their makers

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

LIVE = [Path(__file__).parent / name for name in ("browser", "deploy", "calls", "contract")]
"""Tests that wait while people talk. They begin first, so that the short ones fill the other processes at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(item.path.is_relative_to(place) for place in LIVE))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Remove the machine's settings and keys, so that they reach no test."""
    for name in tuple(os.environ):
        if name.startswith(("ANTIPHON_", "OPENAI_", "ANTHROPIC_", "OLLAMA_")):
            monkeypatch.delenv(name)
