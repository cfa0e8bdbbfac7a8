"""The model hub (Hugging Face), where the makers of the models publish them."""

import threading
import urllib.request
import warnings
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from pathlib import Path

from server.errors import ConfigError
from server.speech.models.catalogue import JOE, SMART_TURN, Kind

CHECK_S = 3.0
"""How long the hub may take to answer at all. It takes a tenth of this where it can be reached."""


def reachable(within_s: float = CHECK_S) -> bool:
    """Whether the model hub answers within this time, through the operator's proxy if there is one."""
    from huggingface_hub import constants

    answered: Future[bool] = Future()

    def ask() -> None:
        try:
            request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
            with urllib.request.urlopen(request, timeout=within_s):
                answered.set_result(True)
        except (OSError, ValueError):  # also an answer that refuses; ValueError is for an address that is none
            answered.set_result(False)

    if constants.HF_HUB_OFFLINE:
        return False
    # The look-up of a name has no deadline and cannot be cancelled, so it gets a thread that may be left behind.
    threading.Thread(target=ask, name="look for the model hub", daemon=True).start()
    try:
        return answered.result(within_s)
    except NoAnswer:
        return False


def check_name(kind: Kind, name: str) -> None:
    """Raises ConfigError when the hub cannot have a model of this kind by this name. Asks nobody."""
    from faster_whisper import available_models  # here, because the import takes a second

    if kind == "whisper" and "/" not in name and name not in available_models():
        raise ConfigError(f"there is no whisper model called {name}; there are: {', '.join(available_models())}")
    if kind == "piper" and len(name.split("-")) < 3:
        raise ConfigError(f"{name} is not the name of a Piper voice; one is {JOE.name}")
    if kind == "smart-turn" and not name.startswith("smart-turn-"):
        raise ConfigError(f"{name} is not the name of a Smart Turn model; one is {SMART_TURN.name}")


def fetch(kind: Kind, name: str, part: Path) -> None:
    """Download the files of a model into the directory `part`; what is there of an earlier attempt is used.

    Raises the errors of several HTTP libraries.
    """
    check_name(kind, name)
    if kind == "whisper":
        from faster_whisper import download_model

        with warnings.catch_warnings():  # they are about the arguments that faster-whisper passes to the hub
            warnings.simplefilter("ignore")
            download_model(name, output_dir=str(part))
        return
    from huggingface_hub import hf_hub_download

    for file in _piper_files(name) if kind == "piper" else [f"{name}.onnx"]:
        there = hf_hub_download(JOE.hub if kind == "piper" else SMART_TURN.hub, file, local_dir=part)
        Path(there).rename(part / Path(there).name)


def _piper_files(name: str) -> list[str]:
    """Where the hub has a voice: en_US-joe-medium is en/en_US/joe/medium/en_US-joe-medium.onnx."""
    language, voice, quality = name.split("-", 2)
    folder = f"{language.split('_')[0]}/{language}/{voice}/{quality}"
    return [f"{folder}/{name}{ending}" for ending in (".onnx.json", ".onnx")]
