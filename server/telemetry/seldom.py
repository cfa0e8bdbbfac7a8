"""Seldom: lets a library that says the same again and again say it only now and then."""

import logging
import time
from collections.abc import Callable

from server.pace import Pace

BURST = 3
"""So many lines pass at once: what went wrong, what is tried, and what came of it."""
EVERY_S = 600.0
"""Afterwards one line passes in this time. A collector that is down for a night would be told of every second."""


class Seldom(logging.Filter):
    """A filter of one logger. What it leaves out is counted elsewhere: in `antiphon.telemetry.dropped`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._pace = Pace(1 / EVERY_S, burst=BURST)

    def filter(self, record: logging.LogRecord) -> bool:
        return self._pace.admits(self._now())


def quieten(exporter: object) -> None:
    """Let an exporter of the SDK, and the classes on which it is built, log seldom."""
    for name in {base.__module__ for base in type(exporter).__mro__ if base.__module__.startswith("opentelemetry.")}:
        quieten_logger(name)


def quieten_logger(name: str) -> None:
    """Let this logger log seldom."""
    logger = logging.getLogger(name)
    if not any(isinstance(each, Seldom) for each in logger.filters):
        logger.addFilter(Seldom())
