"""The command line: `antiphon serve`, `antiphon models pull`, `antiphon conversations …`."""

import asyncio
import inspect
import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from server import cli_conversations
from server.config import Described, described, load
from server.errors import ConfigError

app = typer.Typer(
    name="antiphon",
    help="A media server for talking with an AI agent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Speech models on this machine.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(cli_conversations.app, name="conversations")


def main() -> None:
    """Run a command; what is wrong with its settings is one line, with exit code 2."""
    try:
        app()
    except ConfigError as error:
        typer.echo(f"antiphon: {error}", err=True)
        raise SystemExit(2) from None


def serve(**given: str | None) -> None:
    """Answer calls. Each setting is an option, ANTIPHON_<NAME> in the environment, or a line of .env."""
    settings = load(**given)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    for noisy in ("aioice", "aiortc", "httpx2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        from server.app import serve as run  # here: what a missing library says is one line, too
    except ImportError as exc:
        raise ConfigError(f"a library is missing: {exc}; install what requirements.lock names") from exc
    asyncio.run(run(settings, typer.echo))


def _option(setting: Described) -> inspect.Parameter:
    """One option a setting, with its default and its help; pydantic reads the value."""
    option = typer.Option(None, help=f"{setting.help} [default: {setting.default or 'none'}]")
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=str | None)


serve.__signature__ = inspect.Signature([_option(setting) for setting in described()])  # type: ignore[attr-defined]
serve.__annotations__ = {setting.name: str | None for setting in described()}
app.command()(serve)


@models_app.command()
def pull(
    kind: Annotated[Literal["whisper", "piper", "smart-turn", "all"], typer.Argument(help="What to download.")] = "all",
    name: Annotated[str | None, typer.Option(help="Which one, by its name at the source.")] = None,
    models_dir: Annotated[Path | None, typer.Option(help="Where to.")] = None,
) -> None:
    """Download the models that better ears, a better voice and a better sense of timing need, with progress."""
    from server.speech import models

    directory = models_dir or load().models_dir
    for each in models.DEFAULTS if kind == "all" else (kind,):
        path = models.pull(directory, each, name)
        typer.echo(f"{each}: {path}")
