"""Real models for the tests whose results mean something: the directory `models` of the repository, which `make test`
fills.

A test whose model is missing is skipped, or fails when the environment has NEED_MODELS: a machine that shall run all
tests, such as CI, sets it.
"""

import os
from pathlib import Path

import pytest

from server.speech.models.catalogue import Kind
from server.speech.models.disk import find
from tests.started import ROOT

DIRECTORY = ROOT / "models"
ONLY_FOR_TESTS = ROOT / ".venv" / "models"
"""Models that `make run` does not need."""


def real_model(kind: Kind, name: str | None = None) -> Path:
    """The path of the model of this kind, or of exactly this one. Skips the test when there is none."""
    found = find(DIRECTORY, kind, name) or find(ONLY_FOR_TESTS, kind, name)
    if found is None:
        reason = f"there is no {kind} model {name or ''} in {DIRECTORY.name}/; get one: antiphon models pull {kind}"
        if os.environ.get("NEED_MODELS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
