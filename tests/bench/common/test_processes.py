"""What benches know of the processes that they measure."""

import os
import threading

import pytest

from bench.common.processes import tree_usage, usage


def test_the_usage_of_a_process_is_known_with_and_without_its_children() -> None:
    """Memory and threads of a running process are found. A process that does not exist raises an error."""
    own, tree = usage(os.getpid()), tree_usage(os.getpid())
    assert 1 < own.memory_mb <= tree.memory_mb
    assert own.threads >= threading.active_count()
    for ask in (usage, tree_usage):
        with pytest.raises(ProcessLookupError):
            ask(2**30)
