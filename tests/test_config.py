from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from server.call.turns.endpoint import EndpointSettings
from server.config import Settings, described, load
from server.errors import ConfigError
from server.settings_group import SettingsGroup


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` but a test's own."""
    monkeypatch.chdir(tmp_path)


def test_defaults_work_alone() -> None:
    """Nothing has to be set."""
    settings = load()
    assert (settings.host, settings.port, settings.stt, settings.tts) == ("127.0.0.1", 8080, "auto", "auto")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the three places for a setting the nearest to the person counts."""
    Path(".env").write_text("ANTIPHON_PORT=1\nANTIPHON_HOST=file\nANTIPHON_STT=file\n")
    monkeypatch.setenv("ANTIPHON_PORT", "2")
    monkeypatch.setenv("ANTIPHON_HOST", "environment")
    settings = load(port="3", host=None)
    assert (settings.port, settings.host, settings.stt) == (3, "environment", "file")


def test_other_variables_are_nobodys_business(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without the prefix or without a setting is ignored."""
    before = load()
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("ANTIPHON_UNKNOWN", "1")
    Path(".env").write_text("SOMETHING=else\n")
    assert load() == before


@pytest.mark.parametrize(
    ("value", "addresses"),
    [("", ()), ("10.0.0.1", ("10.0.0.1",)), (" 10.0.0.1, ::1 ,", ("10.0.0.1", "::1"))],
)
def test_addresses_have_commas_between(value: str, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is written with commas; spaces and empty parts do not matter."""
    monkeypatch.setenv("ANTIPHON_MEDIA_ADDRESSES", value)
    assert load().media_addresses == addresses
    assert load(media_addresses=value).media_addresses == addresses


def test_origins_are_as_browsers_send_them() -> None:
    """Without the slash of the address line, in lower case; or else nobody would ever come from there."""
    origins = load(allowed_origins="https://Example.org/, http://localhost:3000, null, capacitor://localhost")
    assert origins.allowed_origins == (
        "https://example.org", "http://localhost:3000", "null", "capacitor://localhost",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", ""),
        ("port", "-1"),
        ("port", "65536"),
        ("max_calls", "0"),
        ("media_addresses", "localhost"),
        ("allowed_origins", "example.org"),
        ("allowed_origins", "https://example.org/page"),
        ("allowed_origins", "*"),
        ("public_address", "203.0.114.7"),
        ("public_address", "example.org"),
        ("remote_candidates", "all"),
        ("turn_ttl_s", "1"),
        ("vanished_s", "0"),
        ("connect_s", "0"),
        ("connect_s", "nan"),
        ("idle_prompt_s", "-1"),
        ("idle_prompts", "1.5"),
        ("drain_s", "-0.1"),
        ("log_level", "loud"),
        ("endpoint_open_ms", "-1"),
        ("endpoint_unknown", "1"),
        ("overlap_words", "0"),
        ("run_tools_s", "0"),
        ("run_history_chars", "0"),
        ("voicing_start_probability", "nan"),
        ("voicing_stop_probability", "1.1"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever set it wrongly reads which setting it is, wherever it was set."""
    with pytest.raises(ConfigError, match=f"^ANTIPHON_{name.upper()}: "):
        load(**{name: value})
    monkeypatch.setenv(f"ANTIPHON_{name.upper()}", value)
    with pytest.raises(ConfigError, match=f"^ANTIPHON_{name.upper()}: "):
        load()


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


def test_a_group_that_is_no_group_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gives a word for a whole group reads which group it is."""
    monkeypatch.setenv("ANTIPHON_ENDPOINT", "fast")
    with pytest.raises(ConfigError, match="endpoint"):
        load()


def test_every_setting_is_described() -> None:
    """The list for documents and options has each setting once, and each of a group by its full name."""
    names = [setting.name for setting in described()]
    assert len(set(names)) == len(names)
    groups = {name: field for name, field in Settings.model_fields.items() if isinstance(field.default, SettingsGroup)}
    own = [name for name in Settings.model_fields if name not in groups]
    nested = [f"{group}_{name}" for group, field in groups.items() for name in type(field.default).model_fields]
    assert sorted(names) == sorted([*own, *nested])
    assert all(setting.variable == f"ANTIPHON_{setting.name.upper()}" for setting in described())


def test_complaints_are_sentences() -> None:
    """A complaint has nothing of how settings are made."""
    with pytest.raises(ConfigError, match=r"^ANTIPHON_LOG_LEVEL: must be debug, info, warning or error$"):
        load(log_level="loud")


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning", "error"])
def test_log_levels_in_any_case(level: str) -> None:
    """A level is a level however it is written."""
    assert load(log_level=level).log_level == level.lower()


def test_a_file_that_is_no_text_is_named() -> None:
    """A `.env` that cannot be read is one line, not a traceback."""
    Path(".env").write_bytes(b"ANTIPHON_HOST=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"^\.env "):
        load()


def test_keys_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a log line nor a traceback shows a key by accident."""
    monkeypatch.setenv("ANTIPHON_STT_API_KEY", "sk-secret")
    settings = load(tts_api_key="sk-secret")
    assert "sk-secret" not in repr(settings) + str(settings)
    assert settings.stt_api_key == settings.tts_api_key == SecretStr("sk-secret")


@pytest.mark.parametrize("name", ["admin_token", "stt_api_key", "tts_api_key", "turn_secret", "stt_url"])
def test_the_end_of_a_line_is_no_part_of_a_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret from a file mostly ends with one, and no request may carry it."""
    monkeypatch.setenv(f"ANTIPHON_{name.upper()}", "what-nobody-can-guess\n")
    value = getattr(load(), name)
    assert (value if name == "stt_url" else value.get_secret_value()) == "what-nobody-can-guess"


def test_every_setting_is_explained() -> None:
    """The help text of a setting is its docstring, and a sentence."""
    assert [setting.name for setting in described() if not setting.help.endswith(".")] == []


NAMES = [setting.name for setting in described()]


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20) | st.integers().map(str), max_size=5))
def test_any_values_are_settings_or_a_config_error(given: dict[str, object]) -> None:
    """Whatever is given, the server has its settings or says what is wrong."""
    complaint = ""
    try:
        load(**given)
    except ConfigError as error:
        complaint = str(error)
    assert not complaint or any(complaint.startswith(f"ANTIPHON_{name.upper()}: ") for name in given)
