"""`antiphon conversations`: an operator reads, counts and deletes what was said."""

import asyncio
import csv
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from server.record.stores.sqlite import SqliteStore
from tests import command
from tests.command import Antiphon
from tests.conversations import conversation
from tests.started import started

antiphon = command.antiphon


async def keep(path: Path, *more: str) -> None:
    """Make a store with two conversations, and others of these names."""
    store = SqliteStore(str(path))
    await store.open()
    await store.save(conversation("one", exchanges=2))
    for name in more:
        await store.save(conversation(name, exchanges=1))
    await store.save(conversation("two").ended(conversation().created_ms + 61_000))
    await store.close()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store with two conversations."""
    path = tmp_path / "kept.db"
    asyncio.run(keep(path))
    return path


def test_an_id_is_whole_on_a_narrow_terminal(antiphon: Antiphon, tmp_path: Path) -> None:
    """The operator copies the id from the list into other commands."""
    name = "CC-kMHpf0lxy9x9R"
    asyncio.run(keep(tmp_path / "kept.db", name))
    assert name in antiphon("conversations", "list", "--store", str(tmp_path / "kept.db"), COLUMNS="40").stdout.split()


def test_conversations_are_listed_shown_exported_and_deleted(antiphon: Antiphon, kept: Path) -> None:
    """An operator reads and deletes what was said, without a server."""
    listed = antiphon("conversations", "list", ANTIPHON_STORE=str(kept)).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["id", "two", "one"]
    assert "1:01" in listed[1]
    page = antiphon("conversations", "list", "--limit", "1", "--store", str(kept)).stdout.splitlines()
    again = antiphon(*page[-1].removeprefix("more: antiphon ").split(), "--store", str(kept)).stdout.splitlines()
    assert [line.split()[0] for line in again] == ["id", "one"]
    shown = antiphon("conversations", "show", "one", "--store", str(kept)).stdout
    assert "Riverside Books  It was (interrupted) [order_status: It was shipped.]" in shown
    exported = antiphon("conversations", "export", "one", "--store", str(kept)).stdout
    assert len(json.loads(exported)["exchanges"]) == 2
    captions = antiphon("conversations", "export", "one", "--format", "vtt", "--store", str(kept)).stdout
    assert captions.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n<v Caller>")
    assert antiphon("conversations", "delete", "one", "--store", str(kept)).stdout == "deleted one\n"
    result = antiphon("conversations", "delete", "one", "--store", str(kept))
    assert (result.returncode, result.stderr) == (1, "antiphon: there is no conversation one\n")


def test_figures_say_which_model_was_slow(antiphon: Antiphon, kept: Path) -> None:
    """An operator counts the exchanges of a time by model, as a table, as CSV and as JSON."""
    command = ["conversations", "figures", "--since", "2023-11-14", "--by", "model", "--store", str(kept)]
    table = antiphon(*command, COLUMNS="200").stdout.splitlines()
    assert table[1].split()[1:8] == ["openai:gpt", "1", "2", "500", "600", "600", "300"]
    header, row = csv.reader(antiphon(*command, "--bucket", "day", "--csv").stdout.splitlines())
    told = dict(zip(header, row, strict=True))
    assert (told["start"], told["name"], told["gap_p50_ms"]) == ("2023-11-14T00:00:00Z", "openai:gpt", "500")
    assert (told["failures"], told["input_tokens"]) == ("2", "1800")
    shown = json.loads(antiphon(*command, "--json").stdout)
    assert shown["rows"][0]["measures"]["gap"] == {"count": 2, "p50_ms": 500, "p95_ms": 600, "p99_ms": 600}
    wrong = antiphon("conversations", "figures", "--since", "tuesday", "--store", str(kept))
    assert (wrong.returncode, "must be a time" in wrong.stderr) == (2, True)
    narrow = antiphon(*command, "--bucket", "day", COLUMNS="80").stdout
    assert "2023-11-14" in narrow
    turned = antiphon(*command, "--until", "2023-11-13")
    assert (turned.returncode, "must not be later" in turned.stderr) == (2, True)


@pytest.mark.parametrize("name", ["-store_Fo7rt0eA2", "--store_o7rt0eA2"])
def test_an_id_that_begins_with_a_dash_is_no_option(antiphon: Antiphon, name: str, tmp_path: Path) -> None:
    """Ids are random. A conversation with such an id is shown, exported and deleted like any other."""
    path = tmp_path / "kept.db"
    asyncio.run(keep(path, name))
    shown = antiphon("conversations", "show", name, "--store", str(path))
    assert (shown.returncode, "Where is my order?" in shown.stdout) == (0, True)
    exported = antiphon("conversations", "export", "--format", "json", name, "--store", str(path)).stdout
    assert json.loads(exported)["id"] == name
    assert antiphon("conversations", "delete", name, "--store", str(path)).stdout == f"deleted {name}\n"
    assert antiphon("conversations", "show", name, "--stor", str(path)).returncode == 2


def test_a_store_that_cannot_be_had_is_one_line(antiphon: Antiphon, tmp_path: Path) -> None:
    """A wrong path, and a server that is not there, give one line of error and no stack trace."""
    for store, code in ((f"{tmp_path}/nowhere/kept.db", 2), (f"unix://{tmp_path}/none.sock", 1)):
        result = antiphon("conversations", "list", "--store", store)
        assert (result.returncode, len(result.stderr.splitlines())) == (code, 1)


def test_a_server_shows_conversations_to_the_admin(kept: Path) -> None:
    """With a token there is an API over the named store. Without a token there is none, and the start-up says so."""
    token = "a token of the admin"
    with started(ANTIPHON_STORE=str(kept), ANTIPHON_ADMIN_TOKEN=token, ANTIPHON_KEEP_DAYS="36500") as server:
        request = urllib.request.Request(f"{server.url}/api/conversations")
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=20) as response:
            listed = json.load(response)["conversations"]
            assert response.headers["Cache-Control"] == "no-store"
    assert [each["id"] for each in listed] == ["two", "one"]
    assert f"conversations   {kept}, kept for 36500 days" in server.lines
    with started() as server, pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/api/conversations", timeout=20)
    off = "conversations   :memory:, kept for 30 days; /api/conversations is off: no ANTIPHON_ADMIN_TOKEN"
    assert off in server.lines
