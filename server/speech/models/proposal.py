"""Which models suit a machine. It is a proposal: an operator may pull any other model by its name."""

from dataclasses import dataclass

from server.speech.models.catalogue import BASE, BASE_EN, JOE, SMALL_EN, SMART_TURN, TINY_EN, Model

FEW_CORES = 4
"""Up to this many cores there is room for the smallest Whisper only: every call needs its share of them."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides: the cores and GPUs that this process may use, and whether the model hub can be reached."""

    cores: int
    gpus: int
    hub: bool


def proposed(machine: Machine, language: str = "en") -> tuple[Model, ...]:
    """The models to pull for calls in this language (BCP 47), in the order in which they matter most to a caller.

    Without the hub only those that also lie in the Python package index.
    """
    if language.lower().split("-")[0] != "en":
        return BASE, SMART_TURN  # there is no voice in the catalogue: eSpeak NG speaks the language
    return _whisper(machine), JOE, SMART_TURN


def _whisper(machine: Machine) -> Model:
    """On a GPU, or with cores to spare, a larger model answers as soon as the smallest does on few cores."""
    if machine.hub and machine.gpus:
        return SMALL_EN
    if machine.hub and machine.cores > FEW_CORES:
        return BASE_EN
    return TINY_EN
