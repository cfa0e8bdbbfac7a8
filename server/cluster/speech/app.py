"""Deploys the speech models on a Ray cluster, with Ray Serve.

The process that calls `deploy` is connected to Ray already, by `ray.init`. Ray Serve goes on when that process ends.
"""

from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import HTTPOptions
from ray.serve.context import _get_global_client
from ray.serve.exceptions import RayServeException
from ray.serve.schema import LoggingConfig

from server.cluster.speech.api import Api
from server.cluster.speech.names import Names
from server.cluster.speech.recognizer import MOST_DRAFTS, Recognizer
from server.cluster.speech.settings import SpeechSettings
from server.cluster.speech.speaker import Speaker
from server.errors import ConfigError
from server.speech.models.catalogue import Kind
from server.speech.models.disk import find, on_disk

NAME = "antiphon-speech"
"""The name of the application in Ray Serve."""
PREFIX = "/v1"

ROOT = Path(__file__).parents[__name__.count(".")]
"""What has to be on the path of Python, so that replicas find this code: the repository, or where the wheel is."""

_FINALS = 16
"""How many requests a replica takes at once, besides drafts. Others wait in the API, and are refused there."""
_IN_API = 512
"""How many requests a replica of the API takes at once. It has to be more than it may let wait for the models."""
_LONGEST_REQUEST_S = 600.0
"""The longest request, from its first byte to the last one of its answer: a recording of ten minutes, on a slow CPU."""
START_S = 300
"""How long the models may take until they answer. They load for seconds, but a machine for them may have to start."""
_LIGHT_CPUS = 0.1
"""What the API, and the endpoint model, reserve of Ray's CPUs: they use little of one."""


def deploy(settings: SpeechSettings, host: str = "127.0.0.1", port: int = 8000) -> str:
    """Serve the speech models that are on disk. Returns the base URL for clients, http://host:port/v1.

    Waits until they answer, START_S at most. If they are served already, what has changed in the settings is changed.
    Raises ConfigError when there is no model, one cannot be served, or Ray Serve listens at another address already.
    """
    if not ray.is_initialized():
        raise ConfigError("there is no connection to a Ray cluster")
    application = _application(settings)
    try:
        serve.start(http_options=HTTPOptions(host=host, port=port, request_timeout_s=_LONGEST_REQUEST_S))
        _check_address(host, port)
        quiet = LoggingConfig(log_level="WARNING", enable_access_log=False)
        target = serve.RunTarget(application, NAME, PREFIX, quiet)
        serve.run_many([target], wait_for_applications_running=False)
        _client()._wait_for_application_running(NAME, timeout_s=START_S)
    except TimeoutError as exc:
        raise ConfigError(f"the speech models do not answer after {START_S} s: {_waiting()}") from exc
    except (RayError, RayServeException, RuntimeError, ValueError) as exc:
        raise ConfigError(f"the speech models cannot be served: {exc}") from exc
    return f"http://{_reachable(host)}:{port}{PREFIX}"


def undeploy() -> None:
    """Serve the speech models no more; idempotent. Other applications of Ray Serve go on; without any, it ends."""
    if NAME in serve.status().applications:
        serve.delete(NAME)
    if not serve.status().applications:
        serve.shutdown()  # type: ignore[no-untyped-call]


def _client() -> Any:
    client = _get_global_client()
    assert client is not None, "because Ray Serve has started"
    return client


def _waiting() -> str:
    """What they wait for. Ray waits for a machine with room for ever."""
    deployments = serve.status().applications[NAME].deployments
    late = [name for name, about in deployments.items() if about.status != "HEALTHY"]
    cores = ray.cluster_resources().get("CPU", 0.0)  # type: ignore[no-untyped-call]
    return f"{', '.join(late)} may find no room in a Ray of {cores:g} cores"


def _check_address(host: str, port: int) -> None:
    """Ray Serve keeps the address with which it was started, and says nothing when it is told another one."""
    used = _client().http_config
    if (used.host, used.port) != (host, port):
        raise ConfigError(f"Ray Serve listens at {used.host}:{used.port} already, and cannot change that while it runs")


def _application(settings: SpeechSettings) -> Any:
    stt, voices, turn = _whisper(settings), _voices(settings), find(settings.models_dir, "smart-turn")
    if not (stt or voices or turn):
        raise ConfigError(f"there is no speech model in {settings.models_dir}; get some: antiphon models pull")
    models = {}
    if stt:
        models["stt"] = _deployment(Recognizer, "stt", settings, _whisper_resources(settings)).bind(
            "whisper", str(stt), _whisper_options(settings)
        )
    if voices:
        paths = {name: str(path) for name, path in voices.items()}
        speaker = _deployment(Speaker, "tts", settings, {"num_cpus": settings.cpus})
        models["tts"] = speaker.bind("piper", paths, {"speed": settings.speed})
    if turn:
        judge = _deployment(Recognizer, "turn", settings, {"num_cpus": _LIGHT_CPUS})
        models["turn"] = judge.bind("smart_turn", str(turn.resolve()), {})
    names = Names(stt.name if stt else "", tuple(voices), turn.stem if turn else "")
    api = _deployment(serve.ingress()(Api), "api", settings, {"num_cpus": _LIGHT_CPUS})
    return api.bind(models, names, settings.api_key.get_secret_value())


def _deployment(replica: type, name: str, settings: SpeechSettings, resources: dict[str, Any]) -> Any:
    """`resources` are what each replica takes of the cluster, as options of a Ray actor."""
    is_api = name == "api"
    ongoing = _IN_API if is_api else max(_FINALS, 2 * settings.batch) + MOST_DRAFTS
    busy = _IN_API / 4 if is_api else settings.busy
    return serve.deployment(
        name=name,
        ray_actor_options=resources | {"runtime_env": {"env_vars": {"PYTHONPATH": str(ROOT)}}},
        max_ongoing_requests=ongoing,
        max_queued_requests=_IN_API if is_api else settings.queue,
        max_constructor_retry_count=2,  # a model that does not load the second time never will
        autoscaling_config={
            "min_replicas": settings.least_replicas,
            "max_replicas": max(settings.least_replicas, settings.most_replicas),
            "target_ongoing_requests": busy,
            "upscale_delay_s": 5.0,
            "look_back_period_s": 15.0,  # Ray measures every 10 s
        },
    )(replica)


def _whisper(settings: SpeechSettings) -> Path | None:
    return (
        _found(settings, "whisper", settings.stt_model) if settings.stt_model else find(settings.models_dir, "whisper")
    )


def _voices(settings: SpeechSettings) -> dict[str, Path]:
    found = {name: _found(settings, "piper", name) for name in settings.voices}
    return found or on_disk(settings.models_dir, "piper")


def _found(settings: SpeechSettings, kind: Kind, name: str) -> Path:
    path = find(settings.models_dir, kind, name)
    if path is None:
        raise ConfigError(f"there is no {kind} model {name} in {settings.models_dir}")
    return path


def _gpus(settings: SpeechSettings) -> float:
    if settings.gpus is not None:
        return settings.gpus
    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return 1.0 if resources.get("GPU") else 0.0


def _whisper_resources(settings: SpeechSettings) -> dict[str, Any]:
    return {"num_cpus": settings.cpus, "num_gpus": _gpus(settings)}


def _whisper_options(settings: SpeechSettings) -> dict[str, object]:
    return {"device": "cuda" if _gpus(settings) else "cpu", "batch": settings.batch}


def _reachable(host: str) -> str:
    """An address under which this machine reaches the server."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
