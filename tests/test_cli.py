"""The command line, as an operator uses it: real processes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from server.config import described
from tests.started import ROOT, Started, started


def antiphon(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_help_lists_every_setting() -> None:
    """Each field of Settings is an option with its help."""
    shown = antiphon("serve", "--help").stdout
    for setting in described():
        assert f"--{setting.name.replace('_', '-')}" in shown


def test_an_occupied_port_is_one_line() -> None:
    """The port is taken: exit code 2 and one line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = antiphon("serve", "--port", str(port))
    assert result.returncode == 2
    assert result.stderr.splitlines() == [f"antiphon: cannot listen on 127.0.0.1:{port}: address already in use"]


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--port", "many"], {}, "ANTIPHON_PORT"),
        ([], {"ANTIPHON_MAX_CALLS": "0"}, "ANTIPHON_MAX_CALLS"),
        (["--stt", "telepathy"], {}, "ANTIPHON_STT"),
        (["--tts", "openai"], {}, "ANTIPHON_TTS_URL"),
        (["--stt", "whisper", "--models-dir", "/nonexistent"], {}, "antiphon models pull"),
        (["--model", "openai:some-model"], {}, "ANTIPHON_MODEL"),
        (["--model", "nobody:some-model"], {}, "ANTIPHON_MODEL"),
        (["--agent", "missing.py:agent"], {}, "ANTIPHON_AGENT"),
        (["--agent", "examples/pizzeria.py:pizzaiolo"], {}, "not a VoiceAgent"),
        (["--log-level", "loud"], {}, "ANTIPHON_LOG_LEVEL"),
    ],
)
def test_a_bad_setting_is_one_line(arguments: list[str], environment: dict[str, str], says: str) -> None:
    """What cannot be read or had is one line that names the setting, and exit code 2."""
    result = antiphon("serve", "--port", "0", *arguments, **environment)
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr


def test_settings_come_from_the_environment_and_from_a_file(tmp_path: Path) -> None:
    """`.env` is read where the server starts, and the environment wins over it."""
    (tmp_path / ".env").write_text("ANTIPHON_LOG_LEVEL=loud\n")
    assert "ANTIPHON_LOG_LEVEL" in antiphon("serve", "--port", "0", cwd=tmp_path).stderr
    result = antiphon("serve", "--port", "-1", cwd=tmp_path, ANTIPHON_LOG_LEVEL="info")
    assert "ANTIPHON_PORT" in result.stderr


def test_start_up_says_what_was_chosen_and_sigterm_stops_it() -> None:
    """The URL, the engines, and how to get better ones; SIGTERM ends it with 0 and leaves no child process."""
    with started() as server:
        said = "\n".join(server.lines)
        assert "speech-to-text  pocketsphinx; a better one: antiphon models pull whisper" in said
        assert "text-to-speech  espeak; a better one: antiphon models pull piper" in said
        assert "agent           Riverside Books" in said
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(children) == 2
        assert server.stop() == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


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


def test_models_that_cannot_be_had_are_one_line(tmp_path: Path) -> None:
    """Without a model hub, `models pull` says so in a line and ends with 2."""
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "http_proxy": "", "https_proxy": "http://127.0.0.1:9"}
    result = antiphon("models", "pull", "whisper", "--models-dir", str(tmp_path), **environment)
    assert result.returncode == 2
    assert "the model hub cannot be reached" in result.stderr.splitlines()[-1]
