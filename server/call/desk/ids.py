"""Ids of calls. Where several servers work as one, an id begins with the name of the server that made it, so everybody
who reads the id knows where the call is."""

import re
import secrets

WORKER = re.compile(r"w[0-9a-z]{1,15}")
"""The names that a server may have in a cluster."""
_OWNED = re.compile(rf"(?:[a-z]{{1,8}}_)?({WORKER.pattern})-")
_BYTES = 12
"""How much chance is in an id: nobody guesses it."""


class Ids:
    """Makes the ids of one server. `worker` is its name in a cluster; "" stands alone."""

    def __init__(self, worker: str = "") -> None:
        self._prefix = f"{worker}-" if worker else ""

    def new(self) -> str:
        """An id that nobody has yet: letters, digits, - and _."""
        return self._prefix + secrets.token_urlsafe(_BYTES)


ALONE = Ids()


def owner_of(call_id: str) -> str:
    """The name of the server that made this id, as far as the id tells; else "".

    The id may be one of another protocol, with a short word before ours, such as "rtc_". An id of a server that stands
    alone may look like one with a name by chance, so whoever asks has to know the names that there are.
    """
    found = _OWNED.match(call_id)
    return found[1] if found else ""
