"""The worker, a child process that hosts one engine and speaks the Wyoming protocol on a Unix socket.

    python -m server.speech.worker --engine whisper --socket PATH [--model PATH] [--options '{"threads": 2}']

Its first line on standard output is "ready", or a sentence that says why it cannot start. It ends on SIGTERM, and when
its standard input ends: that is a pipe which the supervisor holds open.
"""

import argparse
import asyncio
import contextlib
import importlib
import inspect
import json
import logging
import os
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, TextIO

from server.errors import ConfigError
from server.logs import FORMATS, Lines
from server.speech.wyoming_server import serve

log = logging.getLogger("worker")

NICENESS = 5
"""How much the worker's priority is lowered, so that the media loop runs first: callers hear a late frame, but not a
transcript that comes 10 ms later. It is also a batch process, which never takes a core from another one when it wakes
up: with four calls on two cores, packets are then 6 ms late (p99), and otherwise 12 ms."""
URGENT = {"smart_turn": 1}
"""The niceness of engines whose answers callers wait for in silence. They have to come before the drafts
of speech-to-text on a busy machine."""


async def _host(engine: Any, path: Path, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM. If standard input is a pipe, also stop when it ends, because then the parent is gone."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    kind = os.fstat(0).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):  # which of the two asyncio makes depends on its version
        loop.add_reader(0, end.set)  # nothing is ever written to it, so "readable" means that it ended
    await serve(engine, path, end, say)


def load(engine: str, model: str | None, options: Mapping[str, Any] | None = None) -> Any:
    """Make the engine: the class `Engine` of the module `engine` in server/speech/engines.

    `options` are further arguments of `Engine`, by their names. Raises ConfigError when there is no such engine, when
    it does not know an option, or when it cannot start.
    """
    if not engine.isidentifier():
        raise ConfigError(f"{engine!r} is not the name of an engine")
    try:
        module = importlib.import_module(f"{__package__}.engines.{engine}")
    except ImportError as exc:
        raise ConfigError(f"the engine {engine} does not load: {exc}") from exc
    unknown = set(options or ()) - set(inspect.signature(module.Engine).parameters)
    if unknown:
        raise ConfigError(f"the engine {engine} has no option {', '.join(sorted(unknown))}")
    return module.Engine(model, **(options or {}))


def main() -> int:
    arguments = argparse.ArgumentParser(prog=f"python -m {__package__}.worker")
    arguments.add_argument("--engine", required=True)
    arguments.add_argument("--model")
    arguments.add_argument("--socket", required=True, type=Path)
    arguments.add_argument("--options", type=json.loads, default={})
    arguments.add_argument("--log-format", choices=FORMATS, default="text")
    options = arguments.parse_args()
    status = _prepare_process(options.engine, options.log_format)

    def say(line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(" ".join(line.split()), file=status, flush=True)

    try:
        engine = load(options.engine, options.model, options.options)
        asyncio.run(_host(engine, options.socket, say))
    except ConfigError as exc:
        say(str(exc))
        return 2
    except Exception as exc:  # the process ends here: the parent gets the reason, and the log gets the details
        log.exception("the worker ends because of an error")
        say(f"the engine {options.engine} does not start: {type(exc).__name__}")
        return 1
    return 0


def _prepare_process(engine: str, log_format: str) -> TextIO:
    """Set up logging, signals, threads and priority. Returns a file for the status line.

    The status line needs a file of its own because libraries may print to standard output, which goes to standard
    error from here on.
    """
    text = logging.Formatter(f"%(levelname)s speech worker {os.getpid()}: %(message)s")
    formatter = text if log_format == "text" else FORMATS[log_format]()
    logging.basicConfig(handlers=[Lines(FileIO(2, "w", closefd=False), formatter)])
    logging.captureWarnings(True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C in a terminal the parent decides when the worker ends
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread, unless an engine's options say otherwise
    os.nice(URGENT.get(engine, NICENESS))
    if hasattr(os, "SCHED_BATCH"):  # Linux
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    status = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return status


if __name__ == "__main__":
    sys.exit(main())
