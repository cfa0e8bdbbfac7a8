"""The log: lines as text or as JSON, each with the call that it is about, written by a thread of their own.

Whoever reads the lines may stop to read them. Then the pipe is full, and a write waits until somebody reads. So the
lines wait in a queue, which has a size, and only the thread waits for the pipe. No call hears it.
"""

import json
import logging
import queue
import re
import select
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass
from io import RawIOBase
from typing import Any

MOST_WAITING = 2_000
"""How many lines may wait to be written, about 400 kB. A busy server writes fifty in a second; what is more than half a
minute late helps nobody who watches. Lines that come when the queue is full are dropped and counted."""
CLOSE_S = 1.0
"""How long the last lines may take to be written when the process ends."""
FULL_S = 0.5
"""How long a pipe that takes nothing is waited for before the next try, if it belongs to a process that has switched
waiting off for it."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""What would begin a new line, or tell a terminal what to do."""
TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@dataclass(frozen=True, slots=True)
class OfCall:
    """The call to which a line belongs."""

    id: str
    traceparent: str = ""
    """The trace of the call (W3C Trace Context); "" if there is none."""

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]


CALL: ContextVar[OfCall | None] = ContextVar("call", default=None)
"""The call that the present task, socket or tick serves. What a task starts serves the same call."""


def name_call(record: logging.LogRecord) -> bool:
    """A filter that lets every record pass, and notes in it which call it is about."""
    of_call = CALL.get()
    record.call_id = "" if of_call is None else of_call.id
    record.trace_id = "" if of_call is None else of_call.trace_id
    return True


class TextLines(logging.Formatter):
    """One line for each record; the call and its trace stand at the end, unless the message has named the call.

    A message may have a path or a name that somebody else has chosen, so its line ends and control characters are
    escaped. The lines of a traceback are indented. So nobody can forge a line.
    """

    def __init__(self) -> None:
        super().__init__(TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # logging names it so
        line, call_id = super().formatMessage(record), getattr(record, "call_id", "")
        named = f" call={call_id}" if call_id and call_id not in record.message else ""
        traced = f" trace={trace_id}" if (trace_id := getattr(record, "trace_id", "")) else ""
        return f"{printable(line)}{named}{traced}"

    def formatException(self, ei: Any) -> str:  # logging names it so
        return "\n".join(f"  {printable(line)}" for line in super().formatException(ei).splitlines())


def printable(text: str) -> str:
    """The text on one line. What it would tell a terminal to do is written out."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


class JsonLines(logging.Formatter):
    """One JSON object for each record, on a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "call": getattr(record, "call_id", ""),
            "trace_id": getattr(record, "trace_id", ""),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
        }
        text = json.dumps({name: value for name, value in line.items() if value}, ensure_ascii=False)
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # JSON leaves some of them as they are


FORMATS = {"text": TextLines, "json": JsonLines}


class Lines(logging.Handler):
    """Writes the lines of this process to `stream`, which has no buffer, in a thread of its own."""

    def __init__(self, stream: RawIOBase, formatter: logging.Formatter, most_waiting: int = MOST_WAITING) -> None:
        super().__init__()
        self.dropped = 0
        """How many lines were dropped because too many waited."""
        self.setFormatter(formatter)
        self.addFilter(name_call)
        self._stream = stream
        self._waiting: queue.Queue[str | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line. Never waits."""
        try:
            self._waiting.put_nowait(self.format(record))
        except queue.Full:
            self.dropped += 1
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # logging names it so
        """A record that cannot be made a line is dropped: to write why would have to wait for the same pipe."""
        self.dropped += 1

    def close(self) -> None:
        """Write what waits, as far as somebody reads it in time. Idempotent."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            pass
        else:
            self._thread.join(CLOSE_S)
        super().close()

    def _write(self) -> None:
        told = 0
        while (line := self._waiting.get()) is not None:
            try:
                if self.dropped != told:
                    line, told = f"{line}\n{self._gap(self.dropped - told)}", self.dropped
                self._put(f"{line}\n".encode(errors="backslashreplace"))
            except (OSError, ValueError):  # nobody will ever read it
                return

    def _put(self, data: bytes) -> None:
        """Write to the stream itself and not to `sys.stderr`: Python waits for that one's lock when it ends."""
        while data:
            written = self._stream.write(data)
            if written is None:  # it is full and does not wait by itself
                select.select([], [self._stream], [], FULL_S)
            data = data[written or 0 :]

    def _gap(self, count: int) -> str:
        sentence = f"x lines of the log were dropped: {count}"
        return self.format(logging.LogRecord(__name__, logging.WARNING, __file__, 0, sentence, None, None))
