"""`antiphon cluster up --models`: the speech models as a part of the cluster, and how its workers use them."""

from ipaddress import ip_address
from typing import Any

from server.config import Settings
from server.speech.models.disk import find
from server.variables import variable

PORT = 8000
"""Where the models answer, on Ray's head. It is what Ray Serve usually takes."""


def with_models(settings: Settings, head: str) -> dict[str, str]:
    """Serve the models that are on disk on the Ray that this program is connected to, whose head is at `head`.

    Returns settings of the workers, as variables, for those that the operator has left to "auto". The key of clients is
    ANTIPHON_STT_API_KEY. Raises ConfigError.
    """
    from server.cluster.speech.app import deploy
    from server.cluster.speech.settings import SpeechSettings

    models, key = settings.models_dir.resolve(), settings.stt_api_key
    host = head if ip_address(head).is_loopback else "0.0.0.0"
    chosen: dict[str, Any] = {"models_dir": models, "api_key": key}
    deploy(SpeechSettings(**chosen), host, PORT)
    url = f"http://{head}:{PORT}/v1"
    found: dict[str, str] = {}
    if settings.stt == "auto" and find(models, "whisper"):
        found |= {"stt": "openai", "stt_url": url}
    if settings.tts == "auto" and find(models, "piper"):
        found |= {"tts": "openai", "tts_url": url, "tts_api_key": key.get_secret_value()}
    if settings.endpoint_model == "auto" and find(models, "smart-turn"):
        found |= {"endpoint_model": url, "endpoint_api_key": key.get_secret_value()}
    return {variable(name): value for name, value in found.items()}


def without_models() -> None:
    """Serve the models no more; idempotent."""
    from server.cluster.speech.app import undeploy

    undeploy()
