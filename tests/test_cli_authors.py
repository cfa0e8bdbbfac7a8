"""The commands for authors of agents: `antiphon new` and `antiphon try`."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests import command
from tests.command import Antiphon
from tests.started import ANTIPHON, ROOT

antiphon = command.antiphon

SCRIPTED = """
from antiphon.testing import ScriptedModel, ToolCall
from my_agent import Agent, Visit, VoiceAgent, book_table, hang_up

model = ScriptedModel({
    "table": ["One moment.", ToolCall("book_table", people=2, time="seven"), "It is done."],
    "bye": ToolCall("hang_up"),
})
talker = VoiceAgent(Agent(model, deps_type=Visit, tools=[book_table, hang_up]), greeting="Hello.", make_deps=Visit)
silent = VoiceAgent(Agent())
late = VoiceAgent(Agent(model), make_deps=lambda: open("no.db"))
text = "no agent"
"""


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lines that an author types, and then Ctrl-D."""

    def type_lines(*lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return type_lines


@pytest.fixture
def begun(antiphon: Antiphon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with the agent that `antiphon new` writes, and with others that use its tools."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert antiphon("new", "my_agent.py", cwd=tmp_path).returncode == 0
    (tmp_path / "scripted.py").write_text(SCRIPTED)
    yield tmp_path
    sys.modules.pop("my_agent", None)


def test_a_new_agent_passes_its_own_test(antiphon: Antiphon, tmp_path: Path) -> None:
    """`antiphon new` writes an agent and its test, which passes as it is, in plain pytest without plugins."""
    result = antiphon("new", "my_agent.py", cwd=tmp_path)
    assert result.stdout.splitlines() == [
        "wrote my_agent.py",
        "wrote test_my_agent.py",
        "next: antiphon try my_agent.py --model openai:gpt-5-mini",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "test_my_agent.py"]
    tested = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "3 passed" in tested.stdout


def test_what_is_written_is_clean(antiphon: Antiphon, tmp_path: Path) -> None:
    """It keeps to the rules of this repository, so that it is worth to be copied."""
    antiphon("new", "my_agent.py", cwd=tmp_path)
    for rule in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *rule, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
        checked = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("my_agent.py", "my_agent.py is there already, and is not overwritten"),
        ("other.py", "test_other.py is there already, and is not overwritten"),
        ("my-agent.py", "my-agent.py is not the name of a Python module, such as my_agent.py"),
        ("class.py", "class.py is not the name of a Python module, such as my_agent.py"),
        ("my_agent", "my_agent is not the name of a Python module, such as my_agent.py"),
        ("nowhere/agent.py", "nowhere/agent.py cannot be written: no such file or directory"),
    ],
)
def test_what_cannot_be_written_is_one_line(antiphon: Antiphon, tmp_path: Path, name: str, says: str) -> None:
    """No file is changed, and none is written beside it."""
    for file in ("my_agent.py", "test_other.py"):
        (tmp_path / file).write_text("mine")
    result = antiphon("new", name, cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"antiphon: {says}\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "my_agent.py": "mine",
        "test_other.py": "mine",
    }


def test_an_author_types_with_an_agent(antiphon: Antiphon, begun: Path, typed: Callable[..., None]) -> None:
    """What a caller would hear and the tools that run, in their order, until the agent hangs up."""
    typed("A table, please", "  ", "bye", "are you there")
    result = antiphon("try", "scripted.py:talker", cwd=begun)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "agent   Hello.",
        "you     A table, please",
        "agent   One moment.",
        "tool    book_table(people=2, time='seven') → 'You have a table for 2 at seven.'",
        "agent   It is done.",
        "you     ",
        "you     bye",
        "tool    hang_up() → 'Thank you for calling. Goodbye.'",
        "agent   Thank you for calling. Goodbye.",
        "The call is over.",
    ]


def test_what_fails_is_shown_and_the_talk_goes_on(antiphon: Antiphon, begun: Path, typed: Callable[..., None]) -> None:
    """With the reason, beside the apology that a caller hears. Ctrl-D ends the talk."""
    typed("hello", "x" * 2_001, "bye")
    result = antiphon("try", "scripted.py:talker", cwd=begun)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    _greeting, _you, failed, apology, _you, too_long, *_rest = result.stdout.splitlines()
    assert failed.startswith("failed  The model failed: LookupError. (LookupError: the script has no answer to 'hello'")
    assert apology.startswith("agent   Sorry")
    assert too_long == "failed  This is too long."


def test_the_model_and_the_name_are_chosen(antiphon: Antiphon, begun: Path, typed: Callable[..., None]) -> None:
    """The name of the agent is `agent` if none is given; `--model` replaces its model, and the demo needs none."""
    typed("hello")
    result = antiphon("try", "my_agent.py", "--model", "test", cwd=begun)
    assert "agent   success (no tool calls)" in result.stdout.splitlines()
    typed("bye")
    assert "Riverside Books" in antiphon("try", "demo").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.py"], "'missing.py:agent' is not path/to/file.py:name"),
        (["scripted.py:text"], "'text' in scripted.py is not a VoiceAgent"),
        (["scripted.py:silent"], "scripted.py:silent has no model"),
        (["scripted.py:late"], "scripted.py:late: make_deps has failed: The agent cannot take this call"),
        (["scripted.py:talker", "--model", "nobody:some-model"], "ANTIPHON_MODEL"),
    ],
)
def test_an_agent_that_cannot_be_tried_is_one_line(
    antiphon: Antiphon, begun: Path, arguments: list[str], says: str
) -> None:
    """As when a server cannot start with it."""
    result = antiphon("try", *arguments, cwd=begun)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr


def test_ctrl_c_ends_it_while_it_waits_for_words() -> None:
    """At once, and without a stack trace."""
    command = [*ANTIPHON, "try", "demo"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    # A shell lets what it runs in the background ignore Ctrl-C, and the tests may run so.
    talk = subprocess.Popen(
        command, cwd=ROOT, preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL), **pipes
    )
    try:
        assert talk.stdout is not None
        assert talk.stdout.readline().startswith(b"agent")
        talk.send_signal(signal.SIGINT)
        assert talk.wait(20) == 130
        assert talk.stderr is not None
        assert talk.stderr.read() == b""
    finally:
        talk.kill()
        talk.communicate()
