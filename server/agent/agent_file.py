"""Loads what operators have in Python files: their agents, the function that chooses among them, their engines."""

import ast
import importlib.util
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from server.agent.agents import NAME, Router
from server.agent.extras import how_to_install
from server.agent.functions import needed
from server.agent.output import is_text, other_function
from server.agent.voice_agent import VoiceAgent
from server.errors import ConfigError


def places(wanted: Sequence[str]) -> dict[str, str]:
    """What ANTIPHON_AGENT names: the place of each agent, by the name under which it is reached. Raises ConfigError.

    Each part is a place, or `name=place`, or a directory, in which every file with an `agent` counts.
    """
    found: dict[str, str] = {}
    for part in wanted:
        given, _, place = part.rpartition("=")
        for name, at in ({given: place} if given else _usual_names(place)).items():
            if not NAME.fullmatch(name):
                raise ConfigError(f"ANTIPHON_AGENT: {name!r} is no name: it may have letters, digits, _ . + and -")
            if name in found:
                raise ConfigError(f"ANTIPHON_AGENT: two agents are {name!r}: write name=path/to/file.py:agent")
            found[name] = at
    if not found:
        raise ConfigError("ANTIPHON_AGENT: name an agent")
    return found


def _usual_names(place: str) -> dict[str, str]:
    """`agents/billing.py:agent` is billing, and so is `agents/all.py:billing`."""
    if Path(place).is_dir():
        here = {path.stem: f"{path}:agent" for path in sorted(Path(place).glob("*.py")) if _has_agent(path)}
        if not here:
            raise ConfigError(f"ANTIPHON_AGENT: no file in {place} has an agent")
        return here
    path, _, name = place.rpartition(":")
    return {name if not path or name != "agent" else Path(path).stem: place}


def _has_agent(path: Path) -> bool:
    """Whether the file has a variable `agent`. It is not run."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True  # loading it will say what is wrong
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return any(isinstance(target, ast.Name) and target.id == "agent" for target in targets)


class AgentFiles:
    """The Python files of an operator. Each is loaded once, whatever is taken from it."""

    def __init__(self) -> None:
        self._modules: dict[Path, ModuleType] = {}

    def agent(self, place: str) -> VoiceAgent:
        """The VoiceAgent at `path/to/file.py:name`. Raises ConfigError when it cannot be loaded or cannot be used."""
        path, name, agent = self.found(place, "ANTIPHON_AGENT")
        if not isinstance(agent, VoiceAgent):
            raise ConfigError(f"ANTIPHON_AGENT: {name!r} in {path} is not a VoiceAgent")
        kinds, where = agent.agent.output_type, f"the output_type of {name!r} in {path}"
        if function := other_function(kinds):
            raise ConfigError(f"ANTIPHON_AGENT: {where} has {function}, which returns no text: only text can be said")
        if not is_text(kinds):
            raise ConfigError(f"ANTIPHON_AGENT: {where} is not text, which is all that can be said")
        return agent

    def router(self, place: str) -> Router:
        """The function at `path/to/file.py:name` that chooses the agent of a call. Raises ConfigError."""
        path, name, router = self.found(place, "ANTIPHON_ROUTER")
        if not callable(router) or needed(router) > 1:
            raise ConfigError(f"ANTIPHON_ROUTER: {name!r} in {path} is not a function of one parameter, the CallInfo")
        return router

    def found(self, place: str, setting: str) -> tuple[str, str, object]:
        """The path of the file, the name in it, and what has this name; None where nothing has. Raises ConfigError."""
        path, _, name = place.rpartition(":")
        if not path or not Path(path).is_file():
            raise ConfigError(f"{setting}: {place!r} is not path/to/file.py:name")
        return path, name, getattr(self._module(path, setting), name, None)

    def _module(self, path: str, setting: str) -> ModuleType:
        """Load the file as a module. It may import what is in the same directory. Raises ConfigError."""
        own = Path(path).resolve()
        if own in self._modules:
            return self._modules[own]
        spec = importlib.util.spec_from_file_location(
            f"antiphon_file_{sha256(str(own).encode()).hexdigest()[:16]}", path
        )
        if spec is None or spec.loader is None:
            raise ConfigError(f"{setting}: {path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        beside = str(own.parent)
        if beside not in sys.path:
            sys.path.append(beside)  # as Python does for a script, but last: it must hide no module of ours
        try:
            spec.loader.exec_module(module)
        except Exception as exc:
            if isinstance(exc, ImportError) and (what_to_do := how_to_install(exc)):
                raise ConfigError(f"{setting}: {path}: {what_to_do}") from exc
            raise ConfigError(f"{setting}: {path} fails: {type(exc).__name__}: {exc}") from exc
        self._modules[own] = module
        return module
