"""The names of variables: those that are no settings, removed ones, old ones."""

import re
from pathlib import Path

import pytest

from server.call.turns.endpoint import EndpointSettings
from server.config import load
from server.errors import ConfigError
from server.media.reach import PeerSettings
from server.variables import REMOVED, variable
from tests import bare_settings
from tests.bare_settings import NAMES

empty_directory = bare_settings.empty_directory


def test_variables_without_the_prefix_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` and the environment may hold what other programs read."""
    before = load()
    monkeypatch.setenv("PORT", "1")
    Path(".env").write_text("TURN_SECRET=secret\nOPENAI_API_KEY=sk\n")
    assert load() == before


def test_the_case_of_a_variable_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upper and lower case are the same name."""
    monkeypatch.setenv("antiphon_port", "1")
    assert load().port == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ANTIPHON_MAX_CALL", "ANTIPHON_MAX_CALL is not a setting. Did you mean ANTIPHON_MAX_CALLS?"),
        ("Antiphon_Prot", "ANTIPHON_PROT is not a setting. Did you mean ANTIPHON_PORT?"),
        (
            "ANTIPHON_ENDPOINT_OPEN_MSS",
            "ANTIPHON_ENDPOINT_OPEN_MSS is not a setting. Did you mean ANTIPHON_ENDPOINT_OPEN_MS?",
        ),
        ("ANTIPHON_RUN", "ANTIPHON_RUN is not a setting. Did you mean ANTIPHON_RUN_ANSWER_TOKENS?"),
        ("ANTIPHON_XYZZY", "ANTIPHON_XYZZY is not a setting. antiphon serve --help lists all settings."),
        ("ANTIPHON_", "ANTIPHON_ is not a setting. antiphon serve --help lists all settings."),
        (
            "ANTIPHON_ICE_S",
            "ANTIPHON_ICE_S is no longer a setting: ICE always has 10 s to find a way to the caller. Please remove it.",
        ),
    ],
)
def test_a_variable_that_is_no_setting_is_an_error(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt or removed setting is named, with what was meant, whether it is in the environment or in `.env`."""
    Path(".env").write_text(f"{name}=1\n")
    with pytest.raises(ConfigError) as wrong:
        load()
    assert str(wrong.value) == says
    Path(".env").unlink()
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigError) as wrong:
        load()
    assert str(wrong.value) == says


def test_what_is_said_of_removed_settings_is_so() -> None:
    """Each sentence has the deadline that is in the code, or names a setting, and no removed name is a setting."""
    peers = PeerSettings()
    for name, says in REMOVED.items():
        named = re.search(r"ANTIPHON_\w+", says)
        if named:
            assert named[0] in map(variable, NAMES)
        elif hasattr(peers, name):
            assert f"{getattr(peers, name):g} s" in says
    assert set(REMOVED) & set(NAMES) == set()


def test_the_variables_of_an_orchestrator_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes tells each container where its services are, those that are called antiphon-… among them."""
    before = load()
    for service in ("ANTIPHON", "ANTIPHON_WEB"):
        address = "tcp://10.0.0.1:80"
        monkeypatch.setenv(f"{service}_SERVICE_HOST", "10.0.0.1")
        monkeypatch.setenv(f"{service}_SERVICE_PORT", "80")
        monkeypatch.setenv(f"{service}_SERVICE_PORT_HTTP", "80")
        monkeypatch.setenv(f"{service}_PORT", address)
        monkeypatch.setenv(f"{service}_PORT_80_TCP", address)
        monkeypatch.setenv(f"{service}_PORT_80_TCP_ADDR", "10.0.0.1")
    assert load() == before


@pytest.mark.parametrize("threshold", [False, True])
@pytest.mark.parametrize("name", ["endpoint_model", "turn_model"])
@pytest.mark.parametrize("place", ["environment", "file", "command line"])
def test_the_endpoint_model_stands_beside_the_endpoints_thresholds(
    name: str, place: str, threshold: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its name begins as theirs do, and none is taken for the other; its old name still works, with a warning."""
    given = {name: "none"} | ({"endpoint_open_ms": "900"} if threshold else {})
    variables = {f"ANTIPHON_{each.upper()}": value for each, value in given.items()}
    if place == "environment":
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
    elif place == "file":
        Path(".env").write_text("".join(f"{variable}={value}\n" for variable, value in variables.items()))
    settings = load(**given) if place == "command line" else load()
    assert settings.endpoint_model == "none"
    assert settings.endpoint == (EndpointSettings(open_ms=900) if threshold else EndpointSettings())
    assert [record.getMessage() for record in caplog.records] == (
        []
        if name == "endpoint_model"
        else [
            "ANTIPHON_TURN_MODEL is now ANTIPHON_ENDPOINT_MODEL, and --turn-model is --endpoint-model; "
            "the old name still works"
        ]
    )


def test_a_new_name_wins_over_the_old_one_in_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two places the nearer one wins, whichever name it uses."""
    monkeypatch.setenv("ANTIPHON_TURN_MODEL", "old.onnx")
    monkeypatch.setenv("ANTIPHON_ENDPOINT_MODEL", "new.onnx")
    assert load().endpoint_model == "new.onnx"
    assert load(turn_model="none").endpoint_model == "none"


def test_a_group_that_is_no_group_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value for a whole group is an error that names a setting in it."""
    monkeypatch.setenv("ANTIPHON_ENDPOINT", "fast")
    with pytest.raises(ConfigError, match=r"^ANTIPHON_ENDPOINT is not a setting\. Did you mean ANTIPHON_ENDPOINT_"):
        load()
