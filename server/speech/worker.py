"""The child process: hosts one engine and speaks the Wyoming protocol on a Unix socket.

    python -m server.speech.worker --engine pocketsphinx --socket PATH [--model PATH]

Its first line on standard output is "ready", or the sentence why not. It ends on SIGTERM and when its standard input,
a pipe that the supervisor holds, ends.
"""

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from server.errors import ConfigError
from server.speech.wyoming_server import serve

_log = logging.getLogger("worker")

NICENESS = 5
"""The media loop goes first: a late frame is heard, a transcript 10 ms later is not."""


async def _host(engine: Any, path: Path, say: Callable[[str], None]) -> None:
    """Until SIGTERM, and at the end of standard input when that is a pipe: then the parent is gone."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    kind = os.fstat(0).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):  # asyncio gives either, by its version
        loop.add_reader(0, end.set)  # nobody writes to it, so readable means ended
    await serve(engine, path, end, say)


def load(engine: str, model: str | None) -> Any:
    """The engine of that name. Raises ConfigError when there is none, or it cannot start."""
    if not engine.isidentifier():
        raise ConfigError(f"{engine!r} is not the name of an engine")
    try:
        module = importlib.import_module(f"{__package__}.engines.{engine}")
    except ImportError as exc:
        raise ConfigError(f"the engine {engine} does not load: {exc}") from exc
    return module.Engine(model)


def main() -> int:
    arguments = argparse.ArgumentParser(prog=f"python -m {__package__}.worker")
    arguments.add_argument("--engine", required=True)
    arguments.add_argument("--model")
    arguments.add_argument("--socket", required=True, type=Path)
    options = arguments.parse_args()
    status = _settle()

    def say(line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(" ".join(line.split()), file=status, flush=True)

    try:
        engine = load(options.engine, options.model)
        asyncio.run(_host(engine, options.socket, say))
    except ConfigError as exc:
        say(str(exc))
        return 2
    except Exception as exc:  # the end of the process: its parent gets the reason, the log the rest
        _log.exception("the worker ends")
        say(f"the engine {options.engine} does not start: {type(exc).__name__}")
        return 1
    return 0


def _settle() -> TextIO:
    """Be a good child; the file that is left for the status line, because libraries print what they like."""
    logging.basicConfig(stream=sys.stderr, format=f"%(levelname)s speech worker {os.getpid()}: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches the parent, and it decides
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before an engine is imported: a worker is one thread of work
    os.nice(NICENESS)
    status = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return status


if __name__ == "__main__":
    sys.exit(main())
