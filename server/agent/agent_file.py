"""Loads the agent of the operator, which is in a Python file."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, UnionType
from typing import Union, get_args, get_origin

from pydantic_ai import TextOutput

from server.agent.extras import how_to_install
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
    if not _answers_in_text(agent.agent.output_type):
        reason = "is not text, which is all that can be said"
        raise ConfigError(f"ANTIPHON_AGENT: the output_type of {name!r} in {path} {reason}")
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
        if isinstance(exc, ImportError) and (what_to_do := how_to_install(exc)):
            raise ConfigError(f"ANTIPHON_AGENT: {path}: {what_to_do}") from exc
        raise ConfigError(f"ANTIPHON_AGENT: {path} fails: {type(exc).__name__}: {exc}") from exc
    return module


def _answers_in_text(output_type: object) -> bool:
    """Whether text is among the outputs of a pydantic-ai agent."""
    if isinstance(output_type, Sequence) or get_origin(output_type) in (Union, UnionType):
        kinds = output_type if isinstance(output_type, Sequence) else get_args(output_type)
        return any(map(_answers_in_text, kinds))
    return output_type is str or isinstance(output_type, TextOutput)
