"""Way: what carries one client of OpenAI's protocols, as far as its translator has to know. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.call.messages import AudioFormat

UPDATES_A_SECOND = 2
UPDATES_AT_ONCE = 20
"""How often a client may change the session. It is copied, checked and sent back whole each time, which takes some ms
for a large one. Clients change it at the beginning, and when their agent hands over."""


@dataclass(frozen=True, slots=True)
class Way:
    """What carries the client."""

    nonce: str
    """Makes the ids of this connection differ from those of others."""
    on_webrtc: bool
    """The sound goes beside the events."""
    now_ms: Callable[[], float]
    """A clock that only goes forward."""
    reformat: Callable[[AudioFormat, AudioFormat], None] = lambda heard, spoken: None
    """Changes the format of the sound of the call: the caller's, and the agent's."""
    tell: Callable[[Sequence[str | bytes]], None] = lambda told: None
    """Tells our session something soon, although nothing has come from the client."""
    heard_ms: Callable[[], float] = lambda: 0.0
    """How much of the sound that the client has sent on a WebSocket our session has heard."""
