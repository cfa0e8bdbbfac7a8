"""Real models for the tests whose results mean something: the directory `models` of the repository, where
`antiphon models pull` puts them.

A test whose model is missing is skipped, or fails when the environment has NEED_MODELS: a machine that shall run all
tests, such as CI, sets it.
"""

import os
from pathlib import Path

import pytest

from server.speech import models

DIRECTORY = Path(__file__).parent.parent / "models"


def real_model(kind: models.Kind) -> Path:
    """The path of the model of this kind. Skips the test when there is none."""
    found = models.find(DIRECTORY, kind)
    if found is None:
        reason = f"there is no {kind} model in {DIRECTORY.name}/; get one: antiphon models pull {kind}"
        if os.environ.get("NEED_MODELS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
