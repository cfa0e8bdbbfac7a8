"""Virtual time for tests both of whose ends are in this process, over real connections: `pytest.mark.loopback_time`.

What one end sends over loopback has reached the other before the loop asks what is ready. So when nothing is, both wait
for time to pass, and the clock jumps. A call takes the time that it costs, and no longer; and on a busy machine it is
no slower for the two ends, whose clock stands still while they work.

It is not for tests with another process, such as a started server, a speech worker or a browser: their time is the
clock on the wall's. Nor is it for floods: while somebody sends without a pause, no time passes.
"""

import selectors
import time
from typing import Any

from server.testing.virtual_time import JumpingSelector, VirtualLoop

GRACE_S = 0.0005
"""How long the clock on the wall goes before the virtual one jumps. aiortc decodes sound in threads of its own, which
the loop does not know."""
MOST_S = 0.02
"""The longest jump, one frame of sound: a thread that is late delays its sound by frames and not by a time limit."""

FLOODED_S = 60
"""After so long without a pause a test fails, because its time will not pass any more."""


class LoopbackLoop(VirtualLoop):
    """The loop. Its `time` begins with that of the clock on the wall, because libraries read both."""

    def __init__(self) -> None:
        super().__init__(_LoopbackSelector())


class _LoopbackSelector(JumpingSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = self._paused_s = time.monotonic()

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(timeout)
        if not ready or self.threads:
            self._paused_s = time.monotonic()
        elif time.monotonic() - self._paused_s > FLOODED_S:
            raise RuntimeError(f"no time has passed for {FLOODED_S} s, because somebody sends without a pause")
        return ready

    def wait(self, timeout: float | None) -> Any:
        ready = selectors.SelectSelector.select(self, timeout if timeout is None else min(timeout, GRACE_S))
        if not ready and timeout is not None:
            self.now_s += min(timeout, MOST_S)
        return ready
