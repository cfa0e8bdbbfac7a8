"""The catalogue of models, the lock file made from it, and what is proposed for a machine."""

import re

import pytest

from server.speech.models.catalogue import (
    BASE,
    BASE_EN,
    CATALOGUE,
    JOE,
    SMALL_EN,
    SMART_TURN,
    TINY_EN,
    Model,
    known,
    requirements,
)
from server.speech.models.proposal import Machine, proposed
from tests.started import ROOT


def test_the_lock_file_is_made_from_the_catalogue() -> None:
    """requirements-models.lock is for those who fetch the wheels with their own tools, or read what is fetched."""
    locked = (ROOT / "requirements-models.lock").read_text(encoding="utf-8")
    made = "run: python -m server.speech.models.package_index > requirements-models.lock"
    assert locked == requirements(CATALOGUE), made


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.name)
def test_an_entry_is_complete(model: Model) -> None:
    """It is found by its name, says its licence, and all that comes from a wheel has a checksum."""
    assert known(model.kind, model.name) is model
    assert model.licence
    assert bool(model.wheels) == bool(model.files)
    for checked in (*model.wheels, *model.files):
        assert re.fullmatch(r"[0-9a-f]{64}", checked.sha256)
    if model.kind != "whisper" and model.files:
        assert model.files[0].name == f"{model.name}.onnx"


@pytest.mark.parametrize(
    ("machine", "whisper"),
    [
        (Machine(cores=2, gpus=0, hub=False), TINY_EN),
        (Machine(cores=4, gpus=0, hub=True), TINY_EN),
        (Machine(cores=8, gpus=0, hub=True), BASE_EN),
        (Machine(cores=2, gpus=1, hub=True), SMALL_EN),
        (Machine(cores=64, gpus=8, hub=False), TINY_EN),
    ],
)
def test_a_larger_machine_is_offered_a_larger_whisper(machine: Machine, whisper: Model) -> None:
    """If the model hub, which alone has the larger ones, can be reached. The rest is the same everywhere."""
    assert proposed(machine) == (whisper, JOE, SMART_TURN)
    assert proposed(machine, "en-GB") == proposed(machine)


def test_other_languages_are_offered_a_whisper_that_knows_them() -> None:
    """An English voice is of no use for them."""
    assert proposed(Machine(cores=2, gpus=0, hub=False), "de-AT") == (BASE, SMART_TURN)
