"""The command line for authors: `antiphon new` writes an agent to begin with."""

from keyword import iskeyword
from pathlib import Path
from typing import Annotated

import typer

from server.errors import ConfigError
from server.starter import AGENT, TEST


def new(path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as my_agent.py.")]) -> None:
    """Write an agent to begin with, and its test beside it. No file is overwritten."""
    module = path.stem
    if path.suffix != ".py" or not module.isidentifier() or iskeyword(module):
        raise ConfigError(f"{path} is not the name of a Python module, such as my_agent.py")
    files = {path: AGENT, path.with_name(f"test_{module}.py"): TEST}
    for file in files:
        if file.exists():
            raise ConfigError(f"{file} is there already, and is not overwritten")
    for file, text in files.items():
        try:
            with file.open("x", encoding="utf-8") as out:
                out.write(text.replace("MODULE", module))
        except OSError as exc:
            raise ConfigError(f"{file} cannot be written: {(exc.strerror or str(exc)).lower()}") from exc
        typer.echo(f"wrote {file}")
    typer.echo(f"next: antiphon try {path} --model openai:gpt-5-mini")
