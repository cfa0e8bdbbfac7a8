"""How much sound the API of the speech models holds."""

import pytest

from server.cluster.speech.held import Held
from server.errors import AtCapacity


def test_sound_that_finds_no_room_is_refused() -> None:
    """Its room is free again when the request is answered, or has failed."""
    held = Held(most=3)
    with held.room(2), held.room(1):
        with pytest.raises(AtCapacity), held.room(1):
            pass
    with pytest.raises(ValueError, match="no sound"), held.room(3):
        raise ValueError("no sound")
    with held.room(3):
        pass
