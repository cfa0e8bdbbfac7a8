"""The build hook: it renames the imports of our own modules in the wheel.

In the repository the import name of a module is its path: server/app.py is `server.app`. In an installed wheel, the
folders `server`, `signaling` and `static` would clash with those of other projects. So pyproject.toml puts them inside
the package `antiphon`, and this hook writes `antiphon.` before the name in every import of our own modules.
"""

import ast
import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PREFIX = b"antiphon."
ROOMS = ("server", "signaling")
"""The top-level packages of the repository that move into `antiphon`."""


def renamed(source: bytes, path: str) -> bytes:
    """The source of a module as it is in the wheel. Raises ValueError for an import that it cannot rename."""
    lines = source.splitlines(keepends=True)
    for line, column in sorted(_own_imports(source, path), reverse=True):  # from the end, so that places stay valid
        text = lines[line - 1]
        lines[line - 1] = text[:column] + PREFIX + text[column:]
    result = b"".join(lines)
    if _own_imports(result, path):
        raise ValueError(f"{path}: an import still has the name that it has in the repository")
    return result


def _own_imports(source: bytes, path: str) -> list[tuple[int, int]]:
    """Where the names of our own modules stand in import statements: the line from 1, the column in bytes from 0."""
    lines, places = source.splitlines(), []
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_own(node.module or ""):
            start = re.compile(rb"from[ \t]+(?=\w)").match(lines[node.lineno - 1], node.col_offset)
            if start is None:
                raise ValueError(f"{path}:{node.lineno}: write the module on the line of its `from`")
            places.append((node.lineno, start.end()))
        elif isinstance(node, ast.Import):
            for alias in filter(lambda alias: _is_own(alias.name), node.names):
                if alias.asname is None:  # it binds `server`, and the code that uses that name would fail
                    raise ValueError(f"{path}:{node.lineno}: write `from … import …` or `import … as …`")
                places.append((alias.lineno, alias.col_offset))
    return places


def _is_own(module: str) -> bool:
    return module.split(".")[0] in ROOMS


class RenameImports(BuildHookInterface[Any]):
    """Hatch calls it for each wheel: it hands over renamed copies of the modules in place of the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # an editable installation runs the files of the repository
        self._copies = tempfile.TemporaryDirectory()
        for file in self.build_config.builder.recurse_included_files():
            if file.path.endswith(".py"):
                copy = Path(self._copies.name, file.distribution_path)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(renamed(Path(file.path).read_bytes(), file.relative_path))
                build_data["force_include"][str(copy)] = file.distribution_path

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._copies.cleanup()
