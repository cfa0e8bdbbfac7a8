"""Virtual time for our own tests: ten minutes of it are enough for each."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from server.testing.virtual_time import VirtualLoop, run

__all__ = ["VirtualLoop", "run_virtual"]

T = TypeVar("T")


def run_virtual(scenario: Coroutine[Any, Any, T], limit_s: float = 600.0) -> T:
    """Run the scenario to its end on virtual time. A task that is left over fails the test."""
    return run(scenario, limit_s)
