"""What our files import and name, read without running them."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.rooms import FILES, ROOT


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def imports(path: str) -> Iterator[str]:
    """Every module that a file imports anywhere, and every `module.name` that it imports from one."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names(path: str) -> Iterator[str]:
    """Every name and attribute that a file uses."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def users(*modules: str) -> list[str]:
    """The files that import any of the modules."""
    return [path for path in FILES if any(within(module, modules) for module in imports(path))]
