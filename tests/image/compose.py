"""Starts the services of docker-compose.yml as containers of podman: what the file says is what runs.

It knows the keys of services that the file uses. A key that it does not know is an error, so that nothing in the file
goes untested in silence.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.image.build import ROOT, storage

PODMAN = ("podman", "--runtime", "/usr/sbin/runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file")
LIMITS = ("--ulimit", "nofile=8192:8192", "--ulimit", "nproc=4096:4096")
"""podman asks for more than a machine that is a container itself may give."""
NOT_HERE = {"build", "depends_on", "image", "logging", "profiles", "restart"}
"""Keys that say how images are made, when containers begin, and where their logs go."""
FILE = ROOT / "docker-compose.yml"


class Missing(Exception):
    """A variable that the file insists on is empty. The message is the one in the file."""


def read(file: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """The file, with the variables put in. Raises Missing."""

    def put_in(found: re.Match[str]) -> str:
        name, operator, other = found[1], found[2], found[3]
        value = variables.get(name, "")
        if not value and operator == ":?":
            raise Missing(f"{name}: {other}")
        return value or (other if operator == ":-" else "")

    def filled(item: Any) -> Any:
        if isinstance(item, str):
            return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", put_in, item)
        if isinstance(item, dict):
            return {name: filled(value) for name, value in item.items()}
        return [filled(value) for value in item] if isinstance(item, list) else item

    content: dict[str, Any] = filled(yaml.safe_load(file.read_text(encoding="utf-8")))
    return content


class Compose:
    """The running services. `more` are options of podman for a service that only this machine needs."""

    def __init__(self, variables: Mapping[str, str], env_file: Path, more: Mapping[str, list[str]]) -> None:
        self.content = read(FILE, variables)
        self._env_file = env_file
        self._more = more

    def up(self, name: str, image: str) -> None:
        """Start a service, from `image`."""
        for volume in self._volumes(name):
            self._make_volume(volume)
        service = self.content["services"][name]
        options = [
            option for key, value in service.items() if key not in NOT_HERE for option in self._options(key, value)
        ]
        command = [str(word) for word in service.get("command", [])]
        podman(
            "run",
            "--detach",
            "--pull",
            "never",
            "--name",
            name,
            *LIMITS,
            *options,
            *self._more.get(name, []),
            image,
            *command,
        )

    def _options(self, key: str, value: Any) -> list[str]:
        match key:
            case "command":
                return []
            case "environment":
                return [word for name, text in value.items() for word in ("--env", f"{name}={text}")]
            case "env_file":
                return ["--env-file", str(self._env_file)]
            case "network_mode":
                return ["--network", value]
            case "read_only" | "init":
                return [f"--{key.replace('_', '-')}={str(value).lower()}"]
            case "cap_drop" | "cap_add" | "security_opt" | "tmpfs":
                flag = f"--{key.replace('_', '-')}"
                return [
                    word
                    for each in value
                    for word in (flag, each.replace("no-new-privileges:true", "no-new-privileges"))
                ]
            case "volumes":
                return [word for each in value for word in ("--volume", self._source(each))]
            case "user":
                return ["--user", value]
            case "entrypoint":
                return ["--entrypoint", *value]
            case "mem_limit":
                return ["--memory", value]
            case "pids_limit":
                return ["--pids-limit", str(value)]
            case "stop_grace_period":
                return ["--stop-timeout", value.removesuffix("s")]
        raise AssertionError(f"docker-compose.yml has {key}, which is not tested")

    def _source(self, volume: str) -> str:
        return str(ROOT / volume) if volume.startswith("./") else volume

    def _volumes(self, service: str) -> list[str]:
        places = [each.split(":")[0] for each in self.content["services"][service].get("volumes", [])]
        return [place for place in places if place in self.content["volumes"]]

    def _make_volume(self, name: str) -> None:
        if name in podman("volume", "ls", "--format", "{{.Name}}").split():
            return
        options = ((self.content["volumes"][name] or {}).get("driver_opts")) or {}
        podman(
            "volume", "create", *[word for key, value in options.items() for word in ("--opt", f"{key}={value}")], name
        )


def podman(*arguments: str, check: bool = True) -> str:
    """Run podman; returns what it prints."""
    done = subprocess.run([*PODMAN, *storage(), *arguments], stdout=subprocess.PIPE, text=True, check=check)
    return done.stdout
