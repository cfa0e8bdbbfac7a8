"""The command line: `antiphon serve`, `door`, `new`, `try`, `token`, `models …`, `conversations …`, `cluster …`."""

import asyncio
import gc
import inspect
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from io import FileIO
from typing import Any, TextIO

import typer
from rich.markup import escape

from server import cli_cluster, cli_conversations, cli_door, cli_models, cli_new, cli_token, cli_try
from server.config import Described, Settings, described, essential, load
from server.errors import ConfigError
from server.logs import FORMATS, Lines
from server.variables import RENAMED, current_names, variable

Serve = Callable[[Settings, Callable[[str], None]], Coroutine[Any, Any, None]]
"""Serves until it is told to stop. What it gets shows lines to the operator."""

app = typer.Typer(
    name="antiphon",
    help="A media server for talking with an AI agent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_models.app, name="models")
app.add_typer(cli_conversations.app, name="conversations")
app.add_typer(cli_cluster.app, name="cluster")


def main() -> None:
    """Run a command. A mistake in the settings is one line on standard error, and exit code 2."""
    try:
        app()
    except ConfigError as error:
        typer.echo(f"antiphon: {error}", err=True)
        raise SystemExit(2) from None


def serve(**given: str | list[str] | None) -> None:
    """Answer calls. Each setting is an option, ANTIPHON_<NAME> in the environment, or a line of .env."""
    chosen = {name: ",".join(value) if isinstance(value, list) else value for name, value in given.items()}
    settings = load(**chosen)
    lines = Lines(_unbuffered(sys.__stderr__), FORMATS[settings.log_format]())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[lines])
    logging.captureWarnings(True)  # what a library warns of is a line like the others, and waits for no pipe either
    for noisy in ("aioice", "aiortc", "httpx2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it logs all that is no HTTP, byte by byte
    try:
        gc.disable()  # nothing that is imported is garbage; looking for it took a fifth of the start
        run = _server(settings, chosen, lines)
    except ImportError as exc:
        raise ConfigError(f"a library is missing: {exc}; install Antiphon again, with its dependencies") from exc
    finally:
        gc.enable()
    printed = Lines(_unbuffered(sys.__stdout__), logging.Formatter())  # nobody may read this any more, either

    def say(text: str) -> None:
        printed.handle(logging.makeLogRecord({"msg": text}))

    try:
        asyncio.run(run(settings, say))
    finally:
        printed.close()
        lines.close()


def _unbuffered(stream: TextIO | None) -> FileIO:
    """Standard output or standard error, without a buffer. Where there is none, what is written is lost."""
    return FileIO(os.devnull, "w") if stream is None else FileIO(stream.fileno(), "w", closefd=False)


def _server(settings: Settings, chosen: Mapping[str, str | None], lines: Lines) -> Serve:
    """What serves: this process, whose log is `lines`, or several workers.

    It is imported here, so that a missing library is one line, too.
    """
    if settings.workers > 1:
        from server.many import serve_many

        options = current_names({name: value for name, value in chosen.items() if value is not None})
        return partial(serve_many, given={variable(name): str(value) for name, value in options.items()})
    from server.app import serve as run

    return partial(run, log_lines=lines)


def _options() -> Iterator[inspect.Parameter]:
    """An option for each setting, those that most people need first. Values are texts; pydantic reads them."""
    for setting in essential():
        yield _option(setting, "Most used settings")
    for setting in described():
        if setting not in essential():
            yield _option(setting, setting.group.title)
    for name in RENAMED:
        yield _parameter(name, typer.Option(None, hidden=True))


def _option(setting: Described, panel: str) -> inspect.Parameter:
    shown = escape(f"{setting.help} [default: {setting.default or 'none'}]")
    kind = list[str] | None if setting.many else str | None
    return _parameter(setting.name, typer.Option(None, help=shown, rich_help_panel=panel), kind)


def _parameter(name: str, option: Any, kind: Any = str | None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind)


serve.__signature__ = inspect.Signature(list(_options()))  # type: ignore[attr-defined]
serve.__annotations__ = {option.name: option.annotation for option in _options()}
app.command()(serve)
app.command()(cli_door.door)
app.command()(cli_new.new)
app.command("try")(cli_try.try_agent)
app.command()(cli_token.token)
