"""Builds the image of the Dockerfile without a Docker engine: with Debian's buildah, as root.

No base image is downloaded. In their place stands a Debian 12 with its own Python 3.11, made by debootstrap, under the
name that the Dockerfile asks for. Whatever this machine needs to reach the package index (certificates, the resolver,
pip's own configuration, indexes on the disk) is mounted while the image is built, and is not in it.
"""

import ast
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
WORK = Path(os.environ.get("IMAGE_WORK", "/var/tmp/antiphon-image"))
"""Keeps the base between builds. It takes 300 MB, and the images some gigabytes."""
_BASE = "localhost/antiphon-base"
_HOW = ("--isolation", "chroot", "--network", "host")


def storage() -> tuple[str, ...]:
    """Where buildah and podman keep images and containers: apart from those of the machine."""
    return ("--storage-driver", "vfs", "--root", str(WORK / "storage"), "--runroot", str(WORK / "run"))


def build(context: Path, dockerfile: Path, tag: str) -> None:
    """Build an image from the files in `context`."""
    WORK.mkdir(parents=True, exist_ok=True)
    _make_base()
    for name in set(re.findall(r"^FROM (\S+)", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)):
        _buildah("tag", _BASE, f"docker.io/library/{name}")
    how = (*_HOW, "--pull-never", "--format", "docker", "--file", str(dockerfile))
    _say(f"building {tag}")
    subprocess.run([*_command("bud"), *how, *_mounted(), "--tag", tag, str(context)], check=True)


def build_programs(caddy: str, redis: str) -> None:
    """Images with Debian's Caddy and Redis, in place of their makers' images, which are not downloaded."""
    for tag, package, more in (
        (caddy, "caddy", "true"),
        (redis, "redis-server", "install -d -o 999 -g 999 /data"),
    ):
        (WORK / "Program").write_text(
            f"FROM {_BASE}\n"
            f"RUN apt-get update && apt-get install -y --no-install-recommends {package}\n"
            f"RUN rm -rf /var/lib/apt/lists/* && {more}\n",
            encoding="utf-8",
        )
        _say(f"building {tag}")
        how = (*_HOW, "--pull-never", "--file", str(WORK / "Program"))
        subprocess.run([*_command("bud"), *how, *_mounted(), "--tag", tag, str(WORK / "run")], check=True)


def inspect(tag: str) -> str:
    """What an image says of itself, with its history: JSON."""
    return _buildah("inspect", "--type", "image", tag)


def layers() -> Path:
    """The directory of all layers that are kept."""
    return WORK / "storage/vfs/dir"


def _make_base() -> None:
    if f"{_BASE}:latest" in _buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
        return
    root = WORK / "base"
    if not (root / ".made").exists():
        mirror = _output("sh", "-c", "apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -1").strip()
        packages = "--include=python3,python3-pip,python3-venv,ca-certificates"
        _say("making the base")
        subprocess.run(["debootstrap", "--variant=minbase", packages, "bookworm", str(root), mirror], check=True)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        (root / ".made").touch()
    _say("storing the base")
    container = _buildah("from", "scratch").strip()
    _buildah("add", container, str(root), "/")
    _buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", container)
    _buildah("commit", "--rm", container, _BASE)


def _mounted() -> list[str]:
    return [option for mount in _mounts() for option in ("--volume", f"{mount}:ro")]


def _mounts() -> list[str]:
    """What the build needs of this machine, as source:target. pip's settings become one file."""
    pairs = re.findall(r"^(?:global|:env:)\.([a-z-]+)=(.+)$", _output("pip", "config", "list"), re.MULTILINE)
    values = {name: " ".join(str(ast.literal_eval(value)).split()) for name, value in pairs}
    settings = WORK / "pip.conf"
    settings.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))
    places = {Path(word.removeprefix("file://")) for value in values.values() for word in value.split()}
    places = {place.parent if place.name == "simple" else place for place in places if place.is_absolute()}
    here = [Path(place) for place in ("/etc/resolv.conf", "/etc/ssl/certs", "/etc/apt/apt.conf.d")]
    here += sorted(places)
    here = [place for place in here if place.exists() and Path("/etc/ssl/certs") not in place.parents]
    return [f"{settings}:/etc/pip.conf", *(f"{place}:{place}" for place in here)]


def _buildah(*arguments: str) -> str:
    return _output(*_command(*arguments))


def _command(*arguments: str) -> list[str]:
    return ["buildah", *storage(), *arguments]


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _say(what: str) -> None:
    print(f"== {what}", flush=True)
