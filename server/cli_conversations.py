"""The command line for stored conversations: `antiphon conversations list | show | export | figures | delete`.

The modules that import pydantic-ai take most of a second to load, so they are imported inside the functions.
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

from server import cli_figures
from server.config import load
from server.errors import StoreError
from server.logs import printable

if TYPE_CHECKING:
    from server.record.archive import Archive
    from server.record.conversation import Conversation, Said

app = typer.Typer(help="Show, export, count and delete stored conversations.", no_args_is_help=True)

_ID_CHARS = 16
"""The width of the column of ids. Even the narrowest terminal shows whole ids, because the other commands need them."""
_ANY_ID = {"ignore_unknown_options": True}
"""One in 64 ids begins with a dash and would otherwise be taken for an option."""

Id = Annotated[str, typer.Argument(help="The conversation's id, as the list shows it.")]
Where = Annotated[str | None, typer.Option("--store", help="Where conversations are stored [default: ANTIPHON_STORE].")]

_T = TypeVar("_T")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many conversations to list.")] = 20,
    before: Annotated[
        str | None, typer.Option(help="List conversations before this one; the end of a list shows the value.")
    ] = None,
    store: Where = None,
) -> None:
    """List conversations, the newest first."""
    from server.record.query import Wanted

    found = _run(store, lambda archive: archive.find(Wanted(), limit, before))
    ids = Column("id", min_width=_ID_CHARS)
    table = Table(ids, "agent", "began", "lasted", "exchanges", box=None, pad_edge=False)
    for each in found.rows:
        lasted = "not ended" if each.ended_ms is None else _duration(each.ended_ms - each.created_ms)
        table.add_row(each.id, Text(printable(each.agent)), _moment(each.created_ms), lasted, str(each.exchanges))
    Console().print(table)
    if found.next:
        typer.echo(f"more: antiphon conversations list --before {found.next}")


@app.command(context_settings=_ANY_ID)
def show(conversation_id: Id, store: Where = None) -> None:
    """Show what the caller and the agent said."""
    conversation = _find(conversation_id, store)
    table = Table("at", "who", "said", box=None, pad_edge=False)
    for said in conversation.said:
        who = said.name or conversation.agent if said.who == "agent" else "caller"
        table.add_row(_duration(said.start_ms), Text(printable(who)), Text(printable(_words(said))))
    Console().print(table)


@app.command(context_settings=_ANY_ID)
def export(
    conversation_id: Id,
    form: Annotated[
        Literal["json", "vtt"], typer.Option("--format", help="JSON with everything, or WebVTT captions.")
    ] = "json",
    store: Where = None,
) -> None:
    """Print a conversation as JSON, or as WebVTT captions for its recording."""
    from server.record.conversation import to_json
    from server.record.webvtt import webvtt

    conversation = _find(conversation_id, store)
    text = webvtt(conversation).encode() if form == "vtt" else to_json(conversation, messages=True)
    typer.echo(text, nl=form == "json")  # as bytes, of which nothing is left out for a file


@app.command()
def figures(
    since: cli_figures.Since = "7d",
    until: cli_figures.Until = None,
    by: cli_figures.PutTogether = None,
    bucket: cli_figures.Bucket = None,
    as_csv: cli_figures.AsCsv = False,
    as_json: cli_figures.AsJson = False,
    store: Where = None,
) -> None:
    """Show how exchanges went: how long callers waited, and what failed. Which model was slow last Tuesday?"""
    from server.choices import wall_ms
    from server.record.query import Period

    now_ms = wall_ms()
    begin_ms, end_ms = _moment_of(since, "since", now_ms), _moment_of(until or "0m", "until", now_ms)
    if end_ms < begin_ms:
        raise typer.BadParameter("--since must not be later than --until")
    period = Period(begin_ms, end_ms, by or "", bucket or "")
    counted = _run(store, lambda archive: archive.figures(period))
    if as_csv or as_json:
        typer.echo(cli_figures.as_csv(counted) if as_csv else cli_figures.as_json(counted), nl=as_json)
    else:
        cli_figures.show(counted)
    if counted.period.since_ms > period.since_ms:
        typer.echo(f"There are too many: counted from {_moment(counted.period.since_ms)} on.", err=True)


@app.command(context_settings=_ANY_ID)
def delete(conversation_id: Id, store: Where = None) -> None:
    """Delete a conversation and its recording for ever."""
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
    """Run `work` on the archive at `store`, or at the store of the settings. A StoreError ends the command."""
    from server.choices import open_archive

    async def run() -> _T:
        async with AsyncExitStack() as stack:
            archive = (await open_archive(load(store=store), stack)).archive
            await archive.catch_up()
            return await work(archive)

    try:
        return asyncio.run(run())
    except StoreError as error:
        typer.echo(f"antiphon: {error} {error.__cause__ or ''}".rstrip(), err=True)
        raise typer.Exit(1) from error


def _moment_of(text: str, option: str, now_ms: int) -> int:
    from server.record.moments import moment

    try:
        return moment(text, now_ms)
    except ValueError as error:
        raise typer.BadParameter(f"--{option} {error}") from error


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _duration(ms: int) -> str:
    minutes, seconds = divmod(ms // 1000, 60)
    return f"{minutes}:{seconds:02d}"


def _words(said: "Said") -> str:
    """The words, and then the tools that ran."""
    tools = "".join(f" [{tool.name}: {tool.result}]" for tool in said.tools)
    return said.text + (" (interrupted)" if said.interrupted else "") + tools
