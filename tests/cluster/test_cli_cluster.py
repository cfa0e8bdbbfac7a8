"""What `antiphon cluster` says when it cannot do what it is told. tests/cluster/test_ray.py has a cluster."""

import sys

import pytest

from tests import command
from tests.command import Antiphon

antiphon = command.antiphon

STORE = ("--store", "redis://127.0.0.1:1")


def test_ray_is_missing(antiphon: Antiphon, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no part of the usual installation."""
    for name in [name for name in sys.modules if name.startswith("server.cluster.ray")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    for words in (("up", *STORE), ("status",), ("down",)):
        result = antiphon("cluster", *words)
        assert result.returncode == 2
        assert 'pip install "antiphon[cluster]"' in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("up",), "several workers share one Redis"),
        (("up", *STORE, "--min", "3", "--max", "2"), "at least 3 and at most 2"),
        (("up", *STORE, "--address", "127.0.0.1:1"), "no Ray answers at 127.0.0.1:1"),
        (("status", "--address", "127.0.0.1:1"), "no Ray answers at 127.0.0.1:1"),
        (("scale", "2", "--address", "nonsense"), "is no address of a Ray"),
        (("roll", "--address", "127.0.0.1:1"), "no Ray answers"),
        (("drain", "w1", "--address", "127.0.0.1:1"), "no Ray answers"),
        (("down", "--address", "127.0.0.1:1"), "no Ray answers"),
    ],
)
def test_mistakes_are_one_line(antiphon: Antiphon, command: tuple[str, ...], complaint: str) -> None:
    pytest.importorskip("ray")
    result = antiphon("cluster", *command)
    assert (result.returncode, result.stdout) == (2, "")
    assert complaint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
