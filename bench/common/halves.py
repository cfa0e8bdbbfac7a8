"""Halves of a set of recordings: settings are chosen on one half and reported on the other.

    entries = half_of(entries, "first")

Each entry of a list of recordings falls into a half by itself, whatever else is in the list, and all recordings of one
speaker fall into the same half. So the halves stay the same when recordings come or go. They are only about equally
large: with few speakers one may be twice as large as the other.
"""

import hashlib
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

Half = Literal["first", "second", "all"]
HALVES: tuple[Half, ...] = ("first", "second", "all")
Entry = TypeVar("Entry", bound=Mapping[str, Any])


def half_of(entries: Iterable[Entry], which: Half) -> list[Entry]:
    """The entries of one half, in their order. An entry has an "id", and a "speaker" where the speaker is known."""
    return [entry for entry in entries if which in ("all", _half(str(entry.get("speaker") or entry["id"])))]


def add_half(options: ArgumentParser) -> None:
    """Add the option --half to a bench that takes recordings."""
    options.add_argument(
        "--half",
        choices=HALVES,
        default="all",
        help="which half of the recordings: choose settings on one half, and report them on the other",
    )


def _half(name: str) -> Half:
    """By a hash of the name that is the same on every machine and in every process."""
    return "first" if hashlib.sha256(name.encode()).digest()[0] % 2 == 0 else "second"
