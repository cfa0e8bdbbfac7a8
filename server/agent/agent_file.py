"""Loads the agent of the operator, which is in a Python file."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from server.agent.output import is_text, other_function
from server.agent.voice_agent import VoiceAgent
from server.errors import ConfigError


def load_agent(place: str) -> VoiceAgent:
    """Load the VoiceAgent at `path/to/file.py:name`. Raises ConfigError when it cannot be loaded or cannot be used."""
    path, _, name = place.rpartition(":")
    if not path or not Path(path).is_file():
        raise ConfigError(f"ANTIPHON_AGENT: {place!r} is not path/to/file.py:name")
    agent = getattr(_module(path), name, None)
    if not isinstance(agent, VoiceAgent):
        raise ConfigError(f"ANTIPHON_AGENT: {name!r} in {path} is not a VoiceAgent")
    kinds, where = agent.agent.output_type, f"the output_type of {name!r} in {path}"
    if function := other_function(kinds):
        raise ConfigError(f"ANTIPHON_AGENT: {where} has {function}, which returns no text: only text can be said")
    if not is_text(kinds):
        raise ConfigError(f"ANTIPHON_AGENT: {where} is not text, which is all that can be said")
    return agent


def _module(path: str) -> ModuleType:
    """Load the file as a module. It may import what is in the same directory. Raises ConfigError."""
    spec = importlib.util.spec_from_file_location("antiphon_agent", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"ANTIPHON_AGENT: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    beside = str(Path(path).resolve().parent)
    if beside not in sys.path:
        sys.path.append(beside)  # as Python does for a script, but last: it must hide no module of ours
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        raise ConfigError(f"ANTIPHON_AGENT: {path} fails: {type(exc).__name__}: {exc}") from exc
    return module
