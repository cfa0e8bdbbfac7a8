"""Where settings come from, and what is told of all of them."""

from itertools import groupby
from pathlib import Path

import pytest

from server.call.turns.endpoint import EndpointSettings
from server.config import SECTIONS, Settings, described, essential, load
from server.errors import ConfigError
from server.settings_group import SettingsGroup
from tests import bare_settings

empty_directory = bare_settings.empty_directory


def test_defaults_work_alone() -> None:
    """Nothing has to be set."""
    settings = load()
    assert (settings.host, settings.port, settings.stt, settings.tts) == ("127.0.0.1", 8080, "auto", "auto")
    assert settings.patience == "normal"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the three places for a setting the one that is nearest to the operator counts."""
    Path(".env").write_text("ANTIPHON_PORT=1\nANTIPHON_HOST=file\nANTIPHON_STT=file\n")
    monkeypatch.setenv("ANTIPHON_PORT", "2")
    monkeypatch.setenv("ANTIPHON_HOST", "environment")
    settings = load(port="3", host=None)
    assert (settings.port, settings.host, settings.stt) == (3, "environment", "file")


def test_thresholds_that_are_set_are_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience leaves alone what the operator has set, from wherever."""
    Path(".env").write_text("ANTIPHON_ENDPOINT_SINGLE_MS=400\n")
    monkeypatch.setenv("ANTIPHON_ENDPOINT_OPEN_MS", "900")
    assert load(endpoint_complete_ms="350").endpoint.model_fields_set == {"single_ms", "open_ms", "complete_ms"}
    assert load().overlap.model_fields_set == set()


def test_groups_have_their_place_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of a group is named by the group and itself, and leaves the others of the group alone."""
    monkeypatch.setenv("ANTIPHON_ENDPOINT_OPEN_MS", "900")
    monkeypatch.setenv("ANTIPHON_RUN_FIRST_TOKEN_S", "3.5")
    settings = load(endpoint_single_ms="500")
    assert (settings.endpoint.open_ms, settings.endpoint.single_ms, settings.endpoint.complete_ms) == (
        900,
        500,
        EndpointSettings().complete_ms,
    )
    assert settings.run.first_token_s == 3.5


def test_every_setting_is_described() -> None:
    """The list for documents and options has each setting once, and each of a group by its full name."""
    names = [setting.name for setting in described()]
    assert len(set(names)) == len(names)
    groups = {name: field for name, field in Settings.model_fields.items() if isinstance(field.default, SettingsGroup)}
    own = [name for name in Settings.model_fields if name not in groups]
    nested = [f"{group}_{name}" for group, field in groups.items() for name in type(field.default).model_fields]
    assert sorted(names) == sorted([*own, *nested])
    assert all(setting.variable == f"ANTIPHON_{setting.name.upper()}" for setting in described())


def test_every_setting_is_in_one_section() -> None:
    """The sections together are the Settings, and each of them and of the groups has a heading of its own."""
    assert Settings.__bases__ == SECTIONS
    own = [name for section in SECTIONS for name in section.model_fields]
    assert sorted(own) == sorted(Settings.model_fields)
    groups = [group for group, _ in groupby(described(), key=lambda setting: setting.group)]
    assert len({group.title for group in groups}) == len(groups) == len(set(groups))


def test_the_essential_settings_are_a_few_of_all() -> None:
    """Somebody new reads about twenty names, not eighty."""
    assert set(essential()) < set(described())
    assert len(set(essential())) == len(essential()) < 30


def test_a_file_that_is_no_text_is_named() -> None:
    """A `.env` that cannot be read is one line of error, not a traceback."""
    Path(".env").write_bytes(b"ANTIPHON_HOST=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"^\.env "):
        load()


def test_every_setting_is_explained() -> None:
    """The help text of a setting is its docstring, and a sentence."""
    assert [setting.name for setting in described() if not setting.help.endswith(".")] == []
