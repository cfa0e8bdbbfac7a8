"""How a worker knows that another one has passed a request on."""

from dataclasses import replace

import pytest

from server.cluster.seal import GOOD_S, Asked, Seal, read

ASKED = Asked("POST", "/api/offer?x=1", "voice.example.com")
SEAL = Seal("w1", "w2", 1_000, "2001:db8::", "https")
SECRET = "known to all workers"


def test_a_seal_is_read_by_its_receiver() -> None:
    written = SEAL.written(SECRET, ASKED)
    for now_s in (1_000, 1_000 - GOOD_S, 1_000 + GOOD_S):
        assert read(written, SECRET, "w2", ASKED, now_s) == SEAL


@pytest.mark.parametrize(
    "asked", [replace(ASKED, method="GET"), replace(ASKED, target="/api/calls"), replace(ASKED, host="localhost")]
)
def test_it_is_worth_nothing_for_another_request(asked: Asked) -> None:
    assert read(SEAL.written(SECRET, ASKED), SECRET, "w2", asked, 1_000) is None


def test_it_is_worth_nothing_elsewhere_or_later() -> None:
    written = SEAL.written(SECRET, ASKED)
    assert read(written, SECRET, "w3", ASKED, 1_000) is None
    assert read(written, "another secret", "w2", ASKED, 1_000) is None
    assert read(written, SECRET, "w2", ASKED, 1_001 + GOOD_S) is None
    assert read(written.replace("2001:db8::", "127.0.0.1"), SECRET, "w2", ASKED, 1_000) is None


@pytest.mark.parametrize("value", ["", " ", "w1 w2 1000 10.0.0.1 http 00", "ü", "w1 w2 x y z \udcff", "a" * 9_000])
def test_nonsense_is_no_seal(value: str) -> None:
    assert read(value, SECRET, "w2", ASKED, 1_000) is None


def test_without_a_secret_nothing_is_believed() -> None:
    assert read(SEAL.written("", ASKED), "", "w2", ASKED, 1_000) is None
