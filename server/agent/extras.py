"""Extras: which extra of Antiphon has a package that is missing."""

import re

_EXTRA = re.compile(r"pydantic-ai-slim\[([\w-]+)\]")
"""How pydantic-ai names the extra that has a package. Ours have the same names."""
_PACKAGES = {"fastmcp": "mcp", "mcp": "mcp"}
"""The extras of packages that agents import by themselves."""


def how_to_install(failure: ImportError, extra: str = "") -> str:
    """What the operator has to do, as a sentence without its end; "" if no extra has what is missing.

    `extra` is the one to name if the failure names none.
    """
    found = _EXTRA.search(str(failure))
    extra = found[1] if found else _PACKAGES.get((failure.name or "").partition(".")[0], extra)
    return f'a package is missing; install it with pip install "antiphon[{extra}]"' if extra else ""
