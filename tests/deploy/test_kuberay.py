"""What deploy/kuberay.yaml says, against the code. It has not run on a Kubernetes: docs/ray.md says so."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from click import Command
from typer.main import get_command

from server.cli import app
from server.cluster.keeper import STOP_S
from server.cluster.ray.priority import VARIABLES as PRIORITY
from server.config import described, load
from tests.started import ROOT

OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all((ROOT / "deploy/kuberay.yaml").read_text(encoding="utf-8")))
DOCKERFILE = (ROOT / "deploy/cluster.Dockerfile").read_text(encoding="utf-8")


def named(kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in OBJECTS if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


CLUSTER = named("RayCluster", "antiphon")["spec"]
HEAD = CLUSTER["headGroupSpec"]["template"]["spec"]["containers"][0]
GROUP = CLUSTER["workerGroupSpecs"][0]
POD = GROUP["template"]["spec"]
WORKER = POD["containers"][0]
SETTINGS = {each["name"]: each["value"] for each in HEAD["env"] if each["name"] not in PRIORITY}


def test_the_settings_are_settings() -> None:
    """They are valid together, and each pod has those that differ from machine to machine."""
    known = {setting.variable for setting in described()}
    of_workers = {each["name"] for each in WORKER["env"]} - set(PRIORITY)
    assert set(SETTINGS) | of_workers <= known
    assert not set(SETTINGS) & of_workers, "what the job gives to all workers would replace that of their machine"
    load(**{name.removeprefix("ANTIPHON_").lower(): value for name, value in SETTINGS.items()})


def test_ports_lead_to_the_door() -> None:
    """The Services lead to the head, at the ports that the settings give to the door."""
    for name, setting in (("antiphon", "ANTIPHON_PORT"), ("antiphon-operators", "ANTIPHON_OPERATIONS_PORT")):
        spec = named("Service", name)["spec"]
        assert [str(port["targetPort"]) for port in spec["ports"]] == [SETTINGS[setting]]
        assert spec["selector"] == {"ray.io/cluster": "antiphon", "ray.io/node-type": "head"}
    assert {str(port["containerPort"]) for port in HEAD["ports"]} == {
        SETTINGS["ANTIPHON_PORT"], SETTINGS["ANTIPHON_OPERATIONS_PORT"]
    }  # fmt: skip
    host, port = re.fullmatch(r"redis://([\w-]+):(\d+)/0", SETTINGS["ANTIPHON_STORE"]).groups()  # type: ignore[union-attr]
    assert [str(each["port"]) for each in named("Service", host)["spec"]["ports"]] == [port]
    selected, template = named("Service", host)["spec"]["selector"], named("StatefulSet", host)["spec"]["template"]
    assert selected == template["metadata"]["labels"]


def test_media_has_ports_enough() -> None:
    """A machine has as many workers as cores for Ray, and each call needs a port."""
    first, last = map(int, SETTINGS["ANTIPHON_MEDIA_PORTS"].split("-"))
    cores = int(GROUP["rayStartParams"]["num-cpus"])
    assert last - first + 1 >= cores * int(SETTINGS["ANTIPHON_MAX_CALLS"])
    assert POD["hostNetwork"]
    assert WORKER["resources"]["requests"]["cpu"] == str(cores)
    assert "cpu" not in WORKER["resources"]["limits"]


def test_workers_may_drain() -> None:
    """Kubernetes waits for longer than they need."""
    assert POD["terminationGracePeriodSeconds"] > float(SETTINGS["ANTIPHON_DRAIN_S"]) + STOP_S


def test_the_job_gives_a_command_that_there_is() -> None:
    job = named("RayJob", "antiphon-up")["spec"]
    python, module, program, *words = job["entrypoint"].split()[1:]
    assert (python, module, program) == ("-m", "antiphon", "cluster")
    command = get_command(app).commands["cluster"].commands[words[0]]  # type: ignore[attr-defined]
    assert set(re.findall(r"--[\w-]+", job["entrypoint"])) <= set(_options(command))
    assert job["clusterSelector"] == {"ray.io/cluster": named("RayCluster", "antiphon")["metadata"]["name"]}


def test_ray_is_the_one_that_is_installed() -> None:
    """The file, the image and the package agree about the version, and nobody gets in without a token."""
    ray = pytest.importorskip("ray")
    assert CLUSTER["rayVersion"] == ray.__version__
    assert f"ray[serve]=={ray.__version__}" in DOCKERFILE
    assert f'"ray[serve]=={ray.__version__.rpartition(".")[0]}.' in (ROOT / "pyproject.toml").read_text("utf-8")
    for pod in (HEAD, WORKER):
        assert [{"name": name, "value": value} for name, value in PRIORITY.items()] == [
            each for each in pod["env"] if each["name"] in PRIORITY
        ], "media has the usual priority"
    assert CLUSTER["authOptions"] == {"mode": "token"}
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def _options(command: Command) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
