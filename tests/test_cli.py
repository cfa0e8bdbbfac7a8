"""`antiphon serve`, as an operator uses it. Servers are real processes; what ends at once runs in this one."""

import json
import logging
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.config import Settings, described, essential
from tests import command
from tests.command import Antiphon
from tests.started import ANTIPHON, AS_A_USER, Started, started
from tests.tiny_models import make_whisper

antiphon = command.antiphon


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
    with started(command=ANTIPHON) as server:
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
    server = Started(command=ANTIPHON)
    try:
        server.wait()
        os.kill(server.process.pid, signal.SIGINT)
        assert server.process.wait(20) == 0
    finally:
        server.stop()
    assert not any("Traceback" in line for line in server.lines)
