import re
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from server.call.turns.endpoint import EndpointSettings
from server.config import SECTIONS, Settings, described, essential, load
from server.errors import ConfigError
from server.media.reach import PeerSettings
from server.settings_group import SettingsGroup
from server.variables import REMOVED, variable
from server.webhook_section import addresses


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` but a test's own."""
    monkeypatch.chdir(tmp_path)


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


def test_thresholds_that_are_set_are_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience leaves alone what the operator has set, from wherever."""
    Path(".env").write_text("ANTIPHON_ENDPOINT_SINGLE_MS=400\n")
    monkeypatch.setenv("ANTIPHON_ENDPOINT_OPEN_MS", "900")
    assert load(endpoint_complete_ms="350").endpoint.model_fields_set == {"single_ms", "open_ms", "complete_ms"}
    assert load().overlap.model_fields_set == set()


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
    """A value for a whole group is an error that names a setting in it."""
    monkeypatch.setenv("ANTIPHON_ENDPOINT", "fast")
    with pytest.raises(ConfigError, match=r"^ANTIPHON_ENDPOINT is not a setting\. Did you mean ANTIPHON_ENDPOINT_"):
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


def test_complaints_are_sentences() -> None:
    """An error shows nothing of the library that reads the settings."""
    with pytest.raises(ConfigError, match=r"^ANTIPHON_LOG_LEVEL: must be debug, info, warning or error$"):
        load(log_level="loud")


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning", "error"])
def test_log_levels_in_any_case(level: str) -> None:
    """Upper and lower case are the same level."""
    assert load(log_level=level).log_level == level.lower()


def test_a_file_that_is_no_text_is_named() -> None:
    """A `.env` that cannot be read is one line of error, not a traceback."""
    Path(".env").write_bytes(b"ANTIPHON_HOST=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"^\.env "):
        load()


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


def test_every_setting_is_explained() -> None:
    """The help text of a setting is its docstring, and a sentence."""
    assert [setting.name for setting in described() if not setting.help.endswith(".")] == []


NAMES = [setting.name for setting in described()]


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


GOOD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"webhook_url": "https://example.org/a"}, "ANTIPHON_WEBHOOK_SECRET: is needed with ANTIPHON_WEBHOOK_URL"),
        ({"webhook_url": "https://a", "webhook_secret": "short"}, "ANTIPHON_WEBHOOK_SECRET: each secret must begin"),
        ({"webhook_url": "ftp://a", "webhook_secret": GOOD}, "ANTIPHON_WEBHOOK_URL: must be http or https"),
        ({"webhook_url": "https://a,ftp://b", "webhook_secret": GOOD}, "ANTIPHON_WEBHOOK_URL: must be http or https"),
        ({"webhook_url": "https://a,https://a", "webhook_secret": GOOD}, "ANTIPHON_WEBHOOK_URL: has an address twice"),
        ({"webhook_events": "call.started,calls"}, "ANTIPHON_WEBHOOK_EVENTS: must be some of call.started"),
    ],
)
def test_webhooks_without_what_they_need_are_refused(given: dict[str, str], sentence: str) -> None:
    """The server does not start, and the sentence shows no secret."""
    with pytest.raises(ConfigError, match=sentence) as raised:
        load(**given)
    assert GOOD not in str(raised.value)


def test_webhooks_have_addresses_and_secrets() -> None:
    """Several of each; private addresses and commas in a query are the operator's own business."""
    urls = "http://10.0.0.1:9000/in?a=1,2, https://[::1]/b"
    settings = load(webhook_url=urls, webhook_secret=f"{GOOD}, {GOOD}", webhook_events="exchange")
    assert addresses(settings.webhook_url) == ("http://10.0.0.1:9000/in?a=1,2", "https://[::1]/b")
    assert settings.webhook_events == ("exchange",)
    assert "10.0.0.1" not in repr(settings)
