"""The settings, section by section. The text under each field is its help text; `config.Settings` has all of them."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from server.agent.limits import RunLimits
from server.agent.spoken.settings import SpokenSettings
from server.call.budget import BudgetSettings
from server.call.desk.admission import AdmissionSettings
from server.call.desk.limits import CallerLimits
from server.call.ears.voicing import VoicingSettings
from server.call.mouth.waiting import WaitingSettings
from server.call.options import Patience
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.overlap import OverlapSettings
from server.settings_group import SettingsGroup

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/]+|null")
"""An origin as a browser sends it (RFC 6454, section 6.1)."""


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


List = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Written as one text with commas between the parts; spaces and empty parts do not matter."""


class Serving(SettingsGroup):
    """Where callers find the server."""

    title: ClassVar[str] = "Serving"

    host: str = "127.0.0.1"
    """Address that the HTTP server listens on. The default serves this machine only; 0.0.0.0 serves the network."""
    port: int = Field(8080, ge=0, le=65535)
    """Port that the HTTP server listens on. 0 takes any free port."""
    allowed_origins: List = ()
    """Other web sites whose pages may call, such as https://example.org, separated by commas. The server's own page may
    always call. A server on a loopback address behind a reverse proxy needs its public site here, too: it answers only
    to the names of this machine and to these."""

    trusted_proxies: List = ()
    """Addresses or networks of the reverse proxies in front of this server, such as 127.0.0.1,10.0.0.0/24, separated by
    commas. Name them all: otherwise all callers that come through one share the limits of one address. The server
    believes what they say in X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host, so nobody else may have these
    addresses."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        networks = [ip_network(part) for part in value]
        if any(network.prefixlen == 0 for network in networks):
            raise ValueError("must not be all addresses: every caller could choose its own address then")
        return tuple(map(str, networks))

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(part.removesuffix("/").lower() for part in value)
        if not all(map(_ORIGIN.fullmatch, origins)):
            raise ValueError("must be origins such as https://example.org, separated by commas")
        return origins


class Media(SettingsGroup):
    """How the packets of a WebRTC call find their way, also through firewalls and NAT."""

    title: ClassVar[str] = "Media and NAT"

    media_addresses: List = ()
    """Local IP addresses on which the server sends and receives media, separated by commas. Empty: all addresses of
    this machine."""
    media_ports: str = ""
    """Range of UDP ports for media, such as 40000-40099, to open in a firewall. Each call needs one port for each media
    address. Empty: any free port."""
    public_address: str = ""
    """IP address that callers use to reach this server behind 1:1 NAT. The server tells it to callers in place of its
    local address, which ANTIPHON_MEDIA_ADDRESSES has to name."""
    remote_candidates: Literal["auto", "public", "private", "local"] = "auto"
    """Which addresses of callers the server sends packets to. public: only addresses of the Internet; private: also
    those of private networks; local: also this machine's loopback and link-local addresses. auto means private, but
    local for callers on this machine if HTTP listens on a loopback address, no proxy is trusted
    (ANTIPHON_TRUSTED_PROXIES), and nothing shows that the caller came through one."""
    gather_urls: List = ()
    """One STUN and one TURN server that this server itself uses to find addresses at which callers can reach it,
    separated by a comma. With ANTIPHON_PUBLIC_ADDRESS it needs none."""
    stun_urls: List = ()
    """STUN servers that the server tells its clients to use, such as stun:host:3478, separated by commas."""
    turn_urls: List = ()
    """TURN servers (relays) that the server tells its clients to use, such as turn:host:3478?transport=udp, separated
    by commas. They need ANTIPHON_TURN_SECRET."""
    turn_secret: SecretStr = SecretStr("")
    """Secret that this server shares with the TURN server (static-auth-secret of coturn). The credentials that clients
    get are made from it."""
    turn_ttl_s: int = Field(3600, ge=60)
    """Seconds for which the TURN credentials of a client are valid. A relay asks for them again during a call, so keep
    this longer than your longest calls; a shorter time limits what stolen credentials are worth."""
    vanished_s: float = Field(4.0, gt=0)
    """Seconds without any sign of life after which a connection counts as lost: no sound, no message and no answer to a
    STUN check. The conversation then waits to be resumed. ICE itself would take 30 s to notice. Raise this for clients
    that cannot resume and whose network often stops for longer, as on a train."""

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


class Speech(SettingsGroup):
    """The engines that turn speech into text and text into speech."""

    title: ClassVar[str] = "Speech"

    stt: str = "auto"
    """Speech-to-text engine: auto, whisper, pocketsphinx, openai (HTTP), realtime (OpenAI's Realtime API, with words
    while the caller speaks), a Wyoming server as tcp://host:port, or path/to/file.py:name for an engine of your own. Of
    several, separated by commas, the next one goes on when one fails. auto takes whisper if a model for it has been
    downloaded, and otherwise pocketsphinx, which needs no download and hears only English. With several Whisper models,
    the English calls of an English agent use the best English one, and all other calls one that knows many
    languages."""
    stt_url: str = ""
    """Base URL of the speech-to-text server, such as https://api.openai.com/v1. Needed if the engine is openai or
    realtime. If ANTIPHON_STT names several engines, this is a list in the same order, with nothing for those that need
    none: `,https://host/v1` is for the second one. So are the model and the key."""
    stt_model: str = ""
    """Model that the speech-to-text engine uses, for all languages. Empty: the engine's default."""
    stt_api_key: SecretStr = SecretStr("")
    """API key for the speech-to-text server."""
    stt_languages: List = ()
    """Languages that the speech-to-text server understands, such as en,de. Needed only if calls choose or change
    their language and the server does not say itself which languages it knows."""
    stt_workers: int = Field(1, ge=1, le=64)
    """How many processes run the local speech-to-text engine. The calls share them. Each needs a core of its own while
    callers speak, and the memory of a model."""
    stt_threads: int = Field(1, ge=1, le=64)
    """How many threads each of these processes computes with. More threads shorten the wait for the last words, if
    there are cores that nothing else needs."""
    stt_device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where whisper computes: cpu, cuda (an NVIDIA GPU), or auto, which takes the GPU if there is one."""
    stt_precision: str = "auto"
    """The numbers that whisper computes with, as CTranslate2 calls them: int8, float16, int8_float16 and others. auto
    takes int8 on a CPU and float16 on a GPU."""
    tts: str = "auto"
    """Text-to-speech engine: auto, piper, hibari, espeak, openai (HTTP), cartesia (WebSocket), a Wyoming server as
    tcp://host:port, or path/to/file.py:name for an engine of your own. Of several, separated by commas, the next one
    goes on when one fails. auto takes piper if a voice for it has been downloaded, and otherwise hibari, which speaks
    English and needs no download; espeak speaks the languages that the voice does not."""
    tts_url: str = ""
    """Base URL of the text-to-speech server, such as https://api.openai.com/v1. Needed if the engine is openai. If
    ANTIPHON_TTS names several engines, this is a list in the same order, with nothing for those that need none. So are
    the model, the key and the voice."""
    tts_model: str = ""
    """Model that the text-to-speech engine uses. Empty: the engine's default."""
    tts_api_key: SecretStr = SecretStr("")
    """API key for the text-to-speech server."""
    tts_languages: List = ()
    """Languages that the text-to-speech server speaks, such as en,de. Needed only if calls choose or change their
    language and the server does not say itself which languages it knows."""
    tts_voice: str = ""
    """Voice that the text-to-speech engine uses if neither the call nor the agent names one; for cartesia its id, which
    is needed. Empty: the engine's default."""
    tts_speed: float = Field(1.0, ge=0.5, le=2.0)
    """How fast the local text-to-speech engines speak; 1.0 is the voice's own speed."""
    models_dir: Path = Path("models")
    """Directory in which downloaded models are kept. `antiphon models pull` downloads them to it, and
    `antiphon models list` shows them."""


class Answering(SettingsGroup):
    """Who answers, and with which model."""

    title: ClassVar[str] = "The agent"

    agent: List = ("demo",)
    """The agent that answers calls: demo, or path/to/file.py:name, where name is a VoiceAgent in that file, or client,
    which is what the client brings. There may be several, separated by commas: name=path/to/file.py:name, or a
    directory of agents. The first one answers calls that ask for none."""
    router: str = ""
    """The function that chooses the agent of each call: path/to/file.py:name. Empty: what the caller has dialled
    decides."""
    model: List = ("auto",)
    """The language model of the agent: auto (the one that the agent brings itself), demo, or the pydantic-ai name of a
    model, such as openai-chat:gpt-5-mini. Of several, separated by commas, the next one is asked when one fails before
    it begins to answer. The first may be a model that hears and speaks itself, such as realtime:openai:gpt-realtime;
    the agent's own model answers in its place if no other is named."""
    allowed_models: List = ()
    """Models that a call may choose for itself, by their pydantic-ai names, separated by commas. Empty: none."""


class Conversations(SettingsGroup):
    """What is kept of a conversation, where, and for how long."""

    title: ClassVar[str] = "Conversations"

    store: SecretStr = SecretStr("conversations.db")
    """Where conversations are kept: the path of an SQLite file, :memory: (they are gone when the server stops), or
    redis://host:6379/0, which several servers can share. redis+sentinel:// and redis+cluster:// name a Redis that fails
    over, see docs/operations.md."""
    keep_days: float = Field(30, gt=0, le=36_500)
    """Days after which a conversation and its recording are deleted."""
    recordings_dir: str = ""
    """Directory for recordings of calls, with the caller on the left channel and the agent on the right. Empty: calls
    are not recorded."""
    admin_token: SecretStr = SecretStr("")
    """Bearer token for /api/conversations, which shows what callers said, for /api/calls and /whep, by which live calls
    are controlled and heard, and for /api/tokens, which makes tokens for callers: at least 16 characters. Empty: the
    server does not offer these APIs."""
    resume_s: float = Field(60.0, ge=0)
    """Seconds for which a conversation that has lost its connection waits for the caller to come back. 0 ends it at
    once."""
    hold_s: float = Field(900.0, gt=0)
    """Seconds for which a caller may keep a call on hold. The agent pauses meanwhile, and the call keeps its place.
    After that the call ends."""

    @field_validator("admin_token")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters: it can be guessed over the network")
        return value


class TurnTaking(SettingsGroup):
    """How the agent takes turns with the caller. `ANTIPHON_PATIENCE` is the one choice that most people need. It sets
    the thresholds in the tables of endpoint and overlap below; one that you set by its own variable stays as you set
    it, whatever patience the server, the agent or the call chooses. The defaults that are shown are those of `normal`.
    """

    title: ClassVar[str] = "Turn-taking"

    patience: Patience = "normal"
    """How long the agent waits in a pause before it answers, and how hard it is to interrupt: quick, normal or patient.
    quick answers sooner, and cuts off more callers who only paused; patient waits longer, for callers who speak slowly
    or in noisy places. An agent, and each call, may choose another patience than the server."""
    endpoint_model: str = "auto"
    """Model that judges by the sound whether the caller is done: auto (a Smart Turn model in ANTIPHON_MODELS_DIR, if
    there is one), none, a path such as path/to/it.onnx, or the base URL of a server. Without one the words decide."""
    endpoint_api_key: SecretStr = SecretStr("")
    """API key for the server of the endpoint model."""
    endpoint_workers: int = Field(1, ge=1, le=64)
    """How many processes run the endpoint model. One judges four pauses at once in 0.2 s; more of them help only if
    there are cores that nothing else needs. Each takes 100 MB of memory."""
    idle_prompt_s: float = Field(12.0, gt=0)
    """Seconds of silence on both sides after which the agent asks whether the caller is still there."""
    idle_prompts: int = Field(2, ge=0)
    """How often the agent asks whether the caller is still there. After one more silence of the same length it says
    goodbye and ends the call."""
    waiting: WaitingSettings = WaitingSettings()
    """What the caller hears while a tool runs or the model thinks."""
    endpoint: EndpointSettings = EndpointSettings()
    """How much silence ends what the caller says."""
    overlap: OverlapSettings = OverlapSettings()
    """When sound over the agent's voice is an interruption."""
    voicing: VoicingSettings = VoicingSettings()
    """When sound is a voice."""


class Limits(SettingsGroup):
    """How much the server takes on."""

    title: ClassVar[str] = "Limits"

    max_calls: int = Field(8, ge=1)
    """Calls that the server takes at the same time; it refuses more. The embedded speech engines serve about 8 talking
    callers on two cores."""
    longest_call_min: float = Field(120.0, ge=0)
    """Minutes after which the agent says goodbye and the call ends; 0 is no limit. No conversation needs two hours, but
    a telephone that lies beside a radio would hold its line, and cost money, for ever. The token of a caller may allow
    less. Time without a connection does not count; a call that another server goes on with has the rest of its time."""
    failed_turns: int = Field(4, ge=0)
    """After so many failures in a row to answer the caller the agent says that it cannot help at the moment, and ends
    the call. An answer that the caller hears begins the count anew. 0: the agent apologises each time."""
    budget: BudgetSettings = BudgetSettings()
    """What one call may use up."""
    callers: CallerLimits = CallerLimits()
    """How many calls one caller may have, and how fast."""
    admission: AdmissionSettings = AdmissionSettings()
    """When the server is too busy for another call, however many there are."""
    run: RunLimits = RunLimits()
    """How long a caller waits for the agent's model and tools."""
    spoken: SpokenSettings = SpokenSettings()
    """Models that hear and speak themselves."""
