"""Builds the image of the Dockerfile without a Docker engine: with Debian's buildah, as root.

The base image is not downloaded. It is a Debian 12 with its own Python 3.11, made by debootstrap, under the name that
the Dockerfile asks for. Whatever this machine needs to reach the package index (certificates, the resolver, pip's own
configuration, indexes on the disk) is mounted while the image is built, and is not in it.
"""

import ast
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
WORK = Path(os.environ.get("IMAGE_WORK", "/var/tmp/antiphon-image"))
"""Keeps the base between builds. It takes 300 MB, and the images some gigabytes."""
IMAGE = "localhost/antiphon:test"
_STORAGE = ("--storage-driver", "vfs", "--root", str(WORK / "storage"), "--runroot", str(WORK / "run"))
_BUILDAH = ("buildah", *_STORAGE)


def build(context: Path) -> None:
    """Build the image from the files in `context`, as it is after `git clone`, or with whatever else lies there."""
    WORK.mkdir(parents=True, exist_ok=True)
    name = base_of(context / "Dockerfile")
    if name not in _buildah("images", "--format", "{{.Name}}:{{.Tag}}"):
        _make_base(name)
    mounts = [option for mount in _mounts() for option in ("--volume", f"{mount}:ro")]
    how = ("--isolation", "chroot", "--network", "host", "--pull-never", "--format", "docker")
    _say("building the image")
    subprocess.run([*_BUILDAH, "bud", *how, *mounts, "--tag", IMAGE, str(context)], check=True)


def unpacked() -> Path:
    """The root of a container that is made from the image."""
    container = _buildah("from", "--pull-never", IMAGE).strip()
    return Path(_buildah("mount", container).strip())


def inspect() -> str:
    """What the image says of itself, with its history: JSON."""
    return _buildah("inspect", "--type", "image", IMAGE)


def layers() -> list[Path]:
    """The directories of all layers that are kept, those of the stages of the build too."""
    return sorted((WORK / "storage/vfs/dir").iterdir())


def base_of(dockerfile: Path) -> str:
    """The full name of the image that the Dockerfile begins with. There is only one."""
    (name,) = set(re.findall(r"^FROM (\S+)", dockerfile.read_text(encoding="utf-8"), re.MULTILINE))
    return f"docker.io/library/{name}"


def _make_base(name: str) -> None:
    root = WORK / "base"
    if not (root / ".made").exists():
        mirror = _output("sh", "-c", "apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -1").strip()
        packages = "python3,python3-pip,python3-venv,ca-certificates"
        _say("making the base")
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(root), mirror], check=True
        )
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        for path in (root / "var/cache/apt/archives").glob("*.deb"):
            path.unlink()
        (root / ".made").touch()
    container = _buildah("from", "scratch").strip()
    _say("storing the base")
    _buildah("add", container, str(root), "/")
    _buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", container)
    _buildah("commit", "--rm", container, name)


def _mounts() -> list[str]:
    """What the build needs of this machine, as source:target. pip's settings become one file."""
    pairs = re.findall(r"^(?:global|:env:)\.([a-z-]+)=(.+)$", _output("pip", "config", "list"), re.MULTILINE)
    values = {name: " ".join(str(ast.literal_eval(value)).split()) for name, value in pairs}
    settings = WORK / "pip.conf"
    settings.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))
    places = {Path(word.removeprefix("file://")) for value in values.values() for word in value.split()}
    places = {place.parent if place.name == "simple" else place for place in places if place.is_absolute()}
    here = [Path("/etc/resolv.conf"), Path("/etc/hosts"), Path("/etc/ssl/certs"), *sorted(places)]
    here = [place for place in here if place.exists() and Path("/etc/ssl/certs") not in place.parents]
    return [f"{settings}:/etc/pip.conf", *(f"{place}:{place}" for place in here)]


def _buildah(*arguments: str) -> str:
    return _output(*_BUILDAH, *arguments)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _say(what: str) -> None:
    print(f"== {what}", flush=True)
