"""The command line for conversations at rest: `antiphon conversations list | show | export | delete`.

What knows the agent's messages is imported where it is needed: it takes most of a second.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from server.config import load
from server.errors import StoreError

if TYPE_CHECKING:
    from server.record.archive import Archive
    from server.record.conversation import Conversation, Said

app = typer.Typer(help="Conversations that were kept.", no_args_is_help=True)

_ID_CHARS = 16
"""Whole on the narrowest terminal: it is what the other commands want."""
_ANY_ID = {"ignore_unknown_options": True}
"""One in 64 ids begins with a dash, and is no option."""

Id = Annotated[str, typer.Argument(help="The conversation's id, from the list.")]
Where = Annotated[str | None, typer.Option("--store", help="Where they are kept [default: ANTIPHON_STORE].")]

_T = TypeVar("_T")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    before: Annotated[str | None, typer.Option(help="Older than this one, by what the list ends with.")] = None,
    store: Where = None,
) -> None:
    """List conversations, the newest first."""
    found = _run(store, lambda archive: archive.page(limit, before))
    ids = Column("id", min_width=_ID_CHARS)
    table = Table(ids, "agent", "began", "lasted", "exchanges", box=None, pad_edge=False)
    for each in found:
        lasted = "goes on" if each.ended_ms is None else _duration(each.ended_ms - each.created_ms)
        table.add_row(each.id, Text(each.agent), _moment(each.created_ms), lasted, str(each.exchanges))
    Console().print(table)
    if len(found) == limit:
        typer.echo(f"more: antiphon conversations list --before {found[-1].cursor}")


@app.command(context_settings=_ANY_ID)
def show(conversation_id: Id, store: Where = None) -> None:
    """Show what was said."""
    conversation = _find(conversation_id, store)
    table = Table("at", "who", "said", box=None, pad_edge=False)
    for said in conversation.said:
        who = conversation.agent if said.who == "agent" else "caller"
        table.add_row(_duration(said.start_ms), Text(who), Text(_words(said)))
    Console().print(table)


@app.command(context_settings=_ANY_ID)
def export(
    conversation_id: Id,
    form: Annotated[
        Literal["json", "vtt"], typer.Option("--format", help="JSON with everything, or captions.")
    ] = "json",
    store: Where = None,
) -> None:
    """Print a conversation as JSON, or as WebVTT captions of its recording."""
    from server.record.conversation import to_json
    from server.record.webvtt import webvtt

    conversation = _find(conversation_id, store)
    typer.echo(webvtt(conversation) if form == "vtt" else to_json(conversation, messages=True), nl=form == "json")


@app.command(context_settings=_ANY_ID)
def delete(conversation_id: Id, store: Where = None) -> None:
    """Forget a conversation and its recording, for good."""
    if not _run(store, lambda archive: archive.delete(conversation_id)):
        raise _Missing(conversation_id)
    typer.echo(f"deleted {conversation_id}")


class _Missing(typer.Exit):
    def __init__(self, conversation_id: str) -> None:
        typer.echo(f"antiphon: there is no conversation {conversation_id}", err=True)
        super().__init__(1)


def _find(conversation_id: str, store: str | None) -> "Conversation":
    found = _run(store, lambda archive: archive.load(conversation_id))
    if found is None:
        raise _Missing(conversation_id)
    return found


def _run(store: str | None, work: "Callable[[Archive], Awaitable[_T]]") -> _T:
    """Do it on the store of the settings, or on the one that was given."""
    from server.choices import open_archive

    async def run() -> _T:
        async with AsyncExitStack() as stack:
            return await work((await open_archive(load(store=store), stack)).archive)

    try:
        return asyncio.run(run())
    except StoreError as error:
        typer.echo(f"antiphon: {error} {error.__cause__ or ''}".rstrip(), err=True)
        raise typer.Exit(1) from error


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _duration(ms: int) -> str:
    minutes, seconds = divmod(ms // 1000, 60)
    return f"{minutes}:{seconds:02d}"


def _words(said: "Said") -> str:
    """The words, then what was done."""
    tools = "".join(f" [{tool.name}: {tool.result}]" for tool in said.tools)
    return said.text + (" (interrupted)" if said.interrupted else "") + tools
