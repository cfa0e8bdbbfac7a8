"""What the composition root does besides composing."""

import gc

from server.app import settle_memory


def test_the_collector_leaves_alone_what_was_there_at_the_start() -> None:
    """A full collection looks at what calls have made, not at the libraries."""
    threshold = gc.get_threshold()
    try:
        settle_memory()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
