"""The settings of the speech models of a cluster."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from server.settings_group import SettingsGroup


class SpeechSettings(SettingsGroup):
    """Which speech models a cluster serves, and on how much of it."""

    title: ClassVar[str] = "Speech models of a cluster"

    models_dir: Path = Path("models")
    """Directory of the speech models. Each machine of the cluster needs it at the same place."""
    stt_model: str = ""
    """Name of the Whisper model. Empty: the best one on disk."""
    voices: tuple[str, ...] = ()
    """Names of the Piper voices, the default first. Empty: all on disk."""
    api_key: SecretStr = SecretStr("")
    """Key that clients have to send. Empty: everybody who reaches the address may use the models."""
    gpus: float | None = Field(None, ge=0, le=8)
    """How many GPUs each replica of Whisper takes; a half lets two share one. Without a value it is one if the cluster
    has any, else none."""
    cpus: float = Field(1.0, ge=0, le=64)
    """How many of Ray's CPUs each replica of Whisper and of the voices reserves. Each computes with one thread."""
    batch: int = Field(0, ge=0, le=64)
    """How many final words Whisper finds in one go. 0: 8 on a GPU, and one on a CPU, where more gain nothing."""
    least_replicas: int = Field(1, ge=1, le=1000)
    """How many replicas of each model there are when there is little to do."""
    most_replicas: int = Field(8, ge=1, le=1000)
    """How many replicas of each model there are at most. Ray starts them where the cluster has room."""
    busy: float = Field(2.0, gt=0, le=64)
    """How many requests one replica works on before Ray starts another one. On a GPU a batch is a good value."""
    queue: int = Field(32, ge=1, le=10_000)
    """How many requests may wait for a model. The next one is refused with status 503."""
    speed: float = Field(1.0, ge=0.5, le=2.0)
    """How fast the voices speak."""
