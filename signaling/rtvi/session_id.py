"""The session id of Pipecat's /start: it carries what a client has chosen for its call.

The client brings it back in the address at which the call begins. So no server has to remember it, and the call may
begin at another server than the one that was asked. It proves nothing: a client may choose all of it anyway.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from server.errors import NotFound, PeerError
from signaling.json_values import read_value

NEW = "new"
"""The session id of a call for which nothing was chosen."""
MAX_CHARS = 6_000
"""How long a session id may be. aiohttp takes addresses of 8,190 characters."""


def write_session_id(chosen: Mapping[str, Any]) -> str:
    """Raises PeerError if too much is chosen to fit into an address."""
    if not chosen:
        return NEW
    text = json.dumps(chosen, ensure_ascii=False, separators=(",", ":"))
    session_id = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    if len(session_id) > MAX_CHARS:
        raise PeerError("`body` is too long for an address. Send it as requestData of the offer, or by `update`.")
    return session_id


def read_session_id(session_id: str) -> dict[str, Any]:
    """What was chosen. Raises NotFound if the id is not one of ours."""
    if session_id == NEW:
        return {}
    try:
        chosen = read_value(base64.urlsafe_b64decode(session_id + "=" * (-len(session_id) % 4)))
    except ValueError:
        chosen = None
    if not isinstance(chosen, dict):
        raise NotFound("There is no such session.")
    return chosen
