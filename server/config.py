"""Settings: every limit and default of the server; the only reader of the environment.

A setting is given as `ANTIPHON_NAME` in the environment or in `.env`, or as `--name` on the command line, which wins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from server.agent.limits import RunLimits
from server.call.desk.admission import AdmissionSettings
from server.call.ears.voicing import VoicingSettings
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.overlap import OverlapSettings
from server.errors import ConfigError
from server.settings_group import SettingsGroup

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/]+|null")
"""As a browser sends it (RFC 6454, section 6.1)."""


class Settings(BaseSettings):
    """How the server is set up. The description of each field is its help text."""

    model_config = SettingsConfigDict(
        env_prefix="ANTIPHON_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_file=".env",
        extra="ignore",
        frozen=True,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address that HTTP listens on."""
    port: int = Field(8080, ge=0, le=65535)
    """Port that HTTP listens on; 0 takes a free one."""
    media_addresses: Annotated[tuple[str, ...], NoDecode] = ()
    """Local addresses that ICE binds and advertises, with commas between; none: all of the machine."""
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Other sites whose pages may call by WebSocket, as https://example.org, with commas between."""
    media_ports: str = ""
    """UDP ports that media may take, as 40000-40099, for a firewall; a call needs one for each media address."""
    public_address: str = ""
    """Address that callers reach behind 1:1 NAT; advertised in place of the media address, which has to be given."""
    remote_candidates: Literal["auto", "public", "private", "local"] = "auto"
    """Which addresses of callers ICE contacts: public, private (also private networks), local (also this machine's
    loopback and link-local addresses); auto: local if HTTP listens on loopback, else private."""
    gather_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """A STUN and a TURN server by which this server finds addresses of its own; with a public address it needs none."""
    stun_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """STUN servers that clients are told to use, as stun:host:3478, with commas between."""
    turn_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """TURN servers that clients are told to use, as turn:host:3478?transport=udp, with commas between."""
    turn_secret: SecretStr = SecretStr("")
    """Secret shared with the TURN server (coturn's static-auth-secret), from which credentials are made."""
    turn_ttl_s: int = Field(3600, ge=60)
    """Time that TURN credentials are good for: longer than most calls, because a relay asks for them again."""
    stt: str = "auto"
    """Speech-to-text: auto, whisper, pocketsphinx, a Wyoming server as tcp://host:port, or openai."""
    stt_url: str = ""
    """Base URL of OpenAI-compatible speech-to-text, as https://host/v1."""
    stt_model: str = ""
    """Model of the speech-to-text engine; empty: the engine's default."""
    stt_api_key: SecretStr = SecretStr("")
    """Key for OpenAI-compatible speech-to-text."""
    stt_languages: Annotated[tuple[str, ...], NoDecode] = ()
    """Languages that calls may choose, as en,de, where a speech-to-text server does not say itself what it hears."""
    tts: str = "auto"
    """Text-to-speech: auto, piper, espeak, a Wyoming server as tcp://host:port, or openai."""
    tts_url: str = ""
    """Base URL of OpenAI-compatible text-to-speech."""
    tts_model: str = ""
    """Model of the text-to-speech engine; empty: the engine's default."""
    tts_api_key: SecretStr = SecretStr("")
    """Key for OpenAI-compatible text-to-speech."""
    tts_languages: Annotated[tuple[str, ...], NoDecode] = ()
    """Languages that calls may choose, as en,de, where a text-to-speech server does not say itself what it speaks."""
    tts_voice: str = ""
    """Voice of the text-to-speech engine where neither call nor agent names one; empty: its default."""
    turn_model: str = "auto"
    """What listens whether a caller is done: auto (a Smart Turn in models_dir, if any), none, or path/to/it.onnx."""
    model: str = "auto"
    """The agent's model: auto (the agent's own), demo, or a pydantic-ai name such as openai-chat:gpt-5-mini."""
    allowed_models: Annotated[tuple[str, ...], NoDecode] = ()
    """Models that a call may choose for itself, by their pydantic-ai names, with commas between."""
    agent: str = "demo"
    """Who answers: demo, or path/to/file.py:name of a VoiceAgent."""
    models_dir: Path = Path("models")
    """Directory that downloaded models live in."""
    store: SecretStr = SecretStr("conversations.db")
    """Where conversations are kept: a file of SQLite, :memory:, or redis://host:6379/0 for several servers."""
    keep_days: float = Field(30, gt=0, le=36_500)
    """Days after which a conversation and its recording are forgotten."""
    recordings_dir: str = ""
    """Directory for recordings of calls, the caller on the left and the agent on the right; empty: none are made."""
    admin_token: SecretStr = SecretStr("")
    """Bearer token of /api/conversations, which shows what people said; empty: there is no such API."""
    max_calls: int = Field(8, ge=1)
    """Calls at a time; more are refused. Embedded engines on two cores serve about so many that talk."""
    admission: AdmissionSettings = AdmissionSettings()
    """When the server is too busy for another call, whatever their number."""
    connect_s: float = Field(15.0, gt=0)
    """Time that a new call has to connect in all."""
    ice_s: float = Field(10.0, gt=0)
    """Time from the answer until ICE has found a way: over a relay it takes up to about 5 s."""
    dtls_s: float = Field(5.0, gt=0)
    """Time from then until DTLS has agreed on keys: four flights, and two that are lost and repeated."""
    first_packet_s: float = Field(10.0, gt=0)
    """Time from then until the caller's first sound, unless it only listens; who never sends holds no line."""
    vanished_s: float = Field(4.0, gt=0)
    """Time without sound, message or answer to a STUN check after which a caller is gone; ICE itself takes 30 s."""
    idle_prompt_s: float = Field(12.0, gt=0)
    """Silence on both sides after which the agent asks whether the caller is still there."""
    idle_prompts: int = Field(2, ge=0)
    """How often it asks; after as much silence again it says goodbye."""
    voicing: VoicingSettings = VoicingSettings()
    """When sound is a voice."""
    endpoint: EndpointSettings = EndpointSettings()
    """How much silence ends what a caller says."""
    overlap: OverlapSettings = OverlapSettings()
    """When sound over the agent's voice is an interruption."""
    run: RunLimits = RunLimits()
    """How long a caller waits for the agent's model and tools."""
    resume_s: float = Field(60.0, ge=0)
    """Time that a conversation whose connection dropped waits for another one; 0 ends it at once."""
    drain_s: float = Field(10.0, ge=0)
    """Time that running calls may go on after SIGTERM; who is left is told to reconnect and resume elsewhere."""
    metrics: bool = True
    """Whether GET /metrics tells what is measured, as Prometheus text: numbers only, no call's id, nobody's words."""
    log_level: str = "info"
    """Least level of log lines: debug, info, warning or error; debug has tracebacks, and may repeat what people say."""

    @field_validator(
        "media_addresses",
        "allowed_models",
        "allowed_origins",
        "gather_urls",
        "stun_urls",
        "turn_urls",
        "stt_languages",
        "tts_languages",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("admin_token")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters: it can be guessed over the network")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(part.removesuffix("/").lower() for part in value)
        if not all(map(_ORIGIN.fullmatch, origins)):
            raise ValueError("must be origins, as https://example.org, with commas between")
        return origins

    @field_validator("media_addresses")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_address(part)) for part in value)

    @field_validator("public_address")
    @classmethod
    def _stands_for_one(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            return value
        public = ip_address(value)
        addresses = [ip_address(part) for part in info.data.get("media_addresses", ())]
        if len([own for own in addresses if own.version == public.version]) != 1:
            raise ValueError("needs ANTIPHON_MEDIA_ADDRESSES with the one local address that it stands for")
        return str(public)

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("must be debug, info, warning or error")
        return value.lower()


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as a person meets it: `name` is the option's, `variable` the environment's."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        return f"ANTIPHON_{self.name.upper()}"


def described(settings: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Described]:
    """Every setting, those in groups by the name of the group and their own."""
    for name, field in settings.model_fields.items():
        if isinstance(field.default, SettingsGroup):
            yield from described(type(field.default), f"{name}_")
        else:
            default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
            yield Described(prefix + name, "" if default == () else str(default), field.description or "")


def load(**given: object) -> Settings:
    """Settings from the environment, `.env` and `given`; raises ConfigError that names the setting, or `.env`."""
    try:
        return Settings(**_grouped({name: value for name, value in given.items() if value is not None}))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        name = "ANTIPHON_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from exc
    except SettingsError as exc:
        raise ConfigError(f"a group of settings is not JSON: {exc}") from exc
    except (OSError, UnicodeError) as exc:
        raise ConfigError(f".env cannot be read: {exc}") from exc


def _grouped(given: dict[str, object]) -> dict[str, Any]:
    """`endpoint_open_ms` → `endpoint`: {`open_ms`}."""
    grouped: dict[str, Any] = {}
    for name, value in given.items():
        group, _, rest = name.partition("_")
        if name not in Settings.model_fields and group in Settings.model_fields:
            grouped.setdefault(group, {})[rest] = value
        else:
            grouped[name] = value
    return grouped
