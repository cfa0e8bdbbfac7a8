"""The values of settings: what is read from them, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from server.config import SECTIONS, Settings, load
from server.errors import ConfigError
from tests import bare_settings
from tests.bare_settings import NAMES

empty_directory = bare_settings.empty_directory


@pytest.mark.parametrize(
    ("value", "addresses"),
    [("", ()), ("10.0.0.1", ("10.0.0.1",)), (" 10.0.0.1, ::1 ,", ("10.0.0.1", "::1"))],
)
def test_addresses_have_commas_between(value: str, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A list has commas between its parts; spaces and empty parts do not matter."""
    monkeypatch.setenv("ANTIPHON_MEDIA_ADDRESSES", value)
    assert load().media_addresses == addresses
    assert load(media_addresses=value).media_addresses == addresses


def test_origins_are_as_browsers_send_them() -> None:
    """An origin loses its last slash and its upper case; otherwise no browser's origin would match it."""
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
        ("trusted_proxies", "proxy.example.org"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "0.0.0.0/0"),
        ("trusted_proxies", "10.0.0.1, ::/0"),
        ("allowed_origins", "example.org"),
        ("allowed_origins", "https://example.org/page"),
        ("allowed_origins", "*"),
        ("public_address", "203.0.114.7"),
        ("public_address", "example.org"),
        ("remote_candidates", "all"),
        ("turn_ttl_s", "1"),
        ("vanished_s", "0"),
        ("resume_s", "nan"),
        ("patience", "hasty"),
        ("idle_prompt_s", "-1"),
        ("idle_prompts", "1.5"),
        ("longest_call_min", "-1"),
        ("drain_s", "-0.1"),
        ("log_level", "loud"),
        ("trace_url", "https://traces.example.org/"),
        ("trace_url", "javascript:{trace_id}"),
        ("endpoint_open_ms", "-1"),
        ("overlap_words", "0"),
        ("run_tools_s", "0"),
        ("run_history_chars", "0"),
        ("voicing_start_probability", "nan"),
        ("voicing_stop_probability", "1.1"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the setting, whether it came from the command line or from the environment."""
    with pytest.raises(ConfigError, match=f"^ANTIPHON_{name.upper()}: "):
        load(**{name: value})
    monkeypatch.setenv(f"ANTIPHON_{name.upper()}", value)
    with pytest.raises(ConfigError, match=f"^ANTIPHON_{name.upper()}: "):
        load()


def test_complaints_are_sentences() -> None:
    """An error shows nothing of the library that reads the settings."""
    with pytest.raises(ConfigError, match=r"^ANTIPHON_LOG_LEVEL: must be debug, info, warning or error$"):
        load(log_level="loud")


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning", "error"])
def test_log_levels_in_any_case(level: str) -> None:
    """Upper and lower case are the same level."""
    assert load(log_level=level).log_level == level.lower()


def test_keys_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No log line and no traceback shows a key by accident."""
    monkeypatch.setenv("ANTIPHON_STT_API_KEY", "sk-secret")
    settings = load(tts_api_key="sk-secret")
    assert "sk-secret" not in repr(settings) + str(settings)
    assert settings.stt_api_key == settings.tts_api_key == SecretStr("sk-secret")


@pytest.mark.parametrize("name", ["admin_token", "stt_api_key", "tts_api_key", "turn_secret", "stt_url"])
def test_the_end_of_a_line_is_no_part_of_a_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that was read from a file mostly has a line end, which no HTTP request may carry."""
    monkeypatch.setenv(f"ANTIPHON_{name.upper()}", "what-nobody-can-guess\n")
    value = getattr(load(), name)
    assert (value if name == "stt_url" else value.get_secret_value()) == "what-nobody-can-guess"


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20) | st.integers().map(str), max_size=5))
def test_any_values_are_settings_or_a_config_error(given: dict[str, object]) -> None:
    """Whatever values are given, the server has its settings or an error that names one of them."""
    complaint = ""
    try:
        load(**given)
    except ConfigError as error:
        complaint = str(error)
    assert not complaint or any(complaint.startswith(f"ANTIPHON_{name.upper()}: ") for name in given)


def test_no_section_hides_the_checks_of_another_one() -> None:
    """Each check has a name of its own: `Settings` inherits them all, and of two with one name only one."""
    names = [name for section in SECTIONS for name in section.__pydantic_decorators__.field_validators]
    assert sorted(set(names)) == sorted(names)
    assert set(Settings.__pydantic_decorators__.field_validators) == set(names)
