"""A receiver of events, and a place for the store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.receiver import Receiver, receiver


@pytest.fixture
async def posted() -> AsyncIterator[Receiver]:
    async with receiver() as receiving:
        yield receiving


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "conversations.db")
