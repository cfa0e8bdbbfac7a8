"""The priority of workers and of the door on their machine.

Ray is made for computations, so it starts its processes with a low priority (niceness 15), and what they start has it,
too. A busy machine would then run everything else before the media, and callers would hear gaps.
"""

import logging
import os
from contextlib import suppress

VARIABLES = {"RAY_worker_niceness": "0"}
"""With these in its environment, Ray starts processes with the usual priority."""

log = logging.getLogger(__name__)


def raise_priority() -> None:
    """Get the usual priority for this thread, and for all processes that it starts. Needs the right to (CAP_SYS_NICE).

    Says so in the log where it does not have it.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, min(0, os.getpriority(os.PRIO_PROCESS, 0)))
    if (niceness := os.getpriority(os.PRIO_PROCESS, 0)) > 0:
        log.warning("! media has a low priority here (niceness %d): start Ray with RAY_worker_niceness=0", niceness)
