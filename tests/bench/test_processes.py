import os
import threading

import pytest

from bench.processes import tree_usage, usage


def test_a_process_is_told_with_its_children() -> None:
    """Or without them, with its threads."""
    own, tree = usage(os.getpid()), tree_usage(os.getpid())
    assert 1 < own.memory_mb <= tree.memory_mb
    assert own.threads >= threading.active_count()
    for ask in (usage, tree_usage):
        with pytest.raises(ProcessLookupError):
            ask(2**30)
