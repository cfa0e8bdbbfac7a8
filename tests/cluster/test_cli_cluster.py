"""What `antiphon cluster` says when it cannot do what it is told. tests/cluster/test_ray.py has a cluster."""

import os
import sys

import pytest

from server import cli_cluster
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


def test_nothing_is_changed_while_redis_is_away(antiphon: Antiphon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the door of a cluster that is there would look for its workers in the wrong place."""
    pytest.importorskip("ray")
    from server.cluster.ray import joining
    from server.cluster.ray.cluster import RayCluster

    monkeypatch.setattr(joining, "join", lambda *about: RayCluster())
    monkeypatch.setattr(cli_cluster, "STORE_S", 0.0)
    monkeypatch.setattr(RayCluster, "up", lambda *about: pytest.fail("the cluster is changed"))
    result = antiphon("cluster", "up", *STORE)
    assert result.returncode == 2
    assert "Redis does not answer" in result.stderr


def test_the_reason_of_a_worker_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """The last thing that a command has said in the log of its actor."""
    pytest.importorskip("ray")
    from server.cluster.ray.media_worker import _last_words

    assert _last_words() == ""
    os.write(2, b"antiphon: something else\nantiphon: ANTIPHON_AGENT: no such file\n\xff a line of Ray\n")
    assert _last_words() == "ANTIPHON_AGENT: no such file"
