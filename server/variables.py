"""Names of environment variables → names of settings. A name that is no setting is an error, not silently ignored."""

import logging
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from server.errors import ConfigError

PREFIX = "ANTIPHON_"
RENAMED = {"turn_model": "endpoint_model"}
"""Old name → name now. The old name still works, with a warning in the log."""
REMOVED = {
    "connect_s": "a new call always has 15 s to connect",
    "ice_s": "ICE always has 10 s to find a way to the caller",
    "dtls_s": "DTLS always has 5 s to agree on keys",
    "endpoint_asking_ms": "questions end after ANTIPHON_ENDPOINT_COMPLETE_MS, because people pause after them, too",
    "endpoint_question_ms": "questions end after ANTIPHON_ENDPOINT_COMPLETE_MS, because people pause after them, too",
    "endpoint_usual_ms": "a caller who was cut off is waited for longer in the rest of the call",
    "first_packet_s": "a caller need not send any sound, but has to answer STUN checks",
}
"""Old name → what holds now."""
_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
_SERVICE_LINK = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)")

log = logging.getLogger(__name__)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def named(variables: Mapping[str, str | None], known: Collection[str]) -> dict[str, object]:
    """`ANTIPHON_MAX_CALLS` → `max_calls`; variables without our prefix are left out. Upper and lower case are the same.

    Raises ConfigError for a variable with our prefix that is not among the `known` settings.
    """
    ours = {
        name.upper().removeprefix(PREFIX).lower(): value
        for name, value in variables.items()
        if name.upper().startswith(PREFIX) and not _by_orchestrator(name.upper(), value)
    }
    current = current_names({name: value for name, value in ours.items() if value is not None})
    for name in current:
        if name not in known:
            raise ConfigError(_complaint(name, known))
    return current


def current_names(values: Mapping[str, object]) -> dict[str, object]:
    """The values under the names that settings have now. A value that has the new name already wins."""
    current = {name: value for name, value in values.items() if name not in RENAMED}
    for name in values.keys() & RENAMED.keys():
        new = RENAMED[name]
        log.warning(
            "%s is now %s, and --%s is --%s; the old name still works",
            variable(name), variable(new), name.replace("_", "-"), new.replace("_", "-"),
        )  # fmt: skip
        current.setdefault(new, values[name])
    return current


def _by_orchestrator(name: str, value: str | None) -> bool:
    """Whether Kubernetes or Docker made this variable, for a service whose name begins with "antiphon".

    They tell each container where its neighbours are: ANTIPHON_WEB_SERVICE_HOST, ANTIPHON_WEB_PORT=tcp://10.0.0.1:80.
    """
    return bool(_SERVICE_LINK.search(name)) or (name.endswith("_PORT") and bool(_ADDRESS.match(value or "")))


def _complaint(name: str, known: Collection[str]) -> str:
    if name in REMOVED:
        return f"{variable(name)} is no longer a setting: {REMOVED[name]}. Please remove it."
    near = get_close_matches(name, known, n=1) or sorted(each for each in known if each.startswith(f"{name}_"))
    hint = f"Did you mean {variable(near[0])}?" if near else "antiphon serve --help lists all settings."
    return f"{variable(name)} is not a setting. {hint}"
