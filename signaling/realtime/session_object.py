"""The session object of the OpenAI Realtime API, as clients write it. Pure.

Fields that are not here are kept as they come. Those that are here have OpenAI's types, because what a client writes is
told to all clients of the call.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from server.call.options import Name


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class _Format(_Part):
    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: int | None = None

    @field_validator("rate")
    @classmethod
    def _known(cls, rate: int | None, info: ValidationInfo) -> int | None:
        only = 24_000 if info.data.get("type") == "audio/pcm" else 8_000
        if rate not in (None, only):
            raise ValueError(f"the only rate of this format is {only}")
        return rate


class _TurnDetection(_Part):
    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=0)] | None = None
    eagerness: Literal["low", "medium", "high", "auto"] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None
    idle_timeout_ms: int | None = None


class _Transcription(_Part):
    model: str | None = None
    language: Annotated[str, Field(max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$")] | None = None
    languages: list[str] | None = None
    keywords: list[str] | None = None
    delay: str | None = None
    prompt: str | None = None


class _NoiseReduction(_Part):
    type: Literal["near_field", "far_field"] | None = None
    strength: float | None = None


class _Input(_Part):
    format: _Format | None = None
    transcription: _Transcription | None = None
    noise_reduction: _NoiseReduction | None = None
    turn_detection: _TurnDetection | None = None


class _Voice(_Part):
    id: Name


class _Output(_Part):
    format: _Format | None = None
    voice: Name | _Voice | None = None
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None


class _Audio(_Part):
    heard: _Input | None = Field(default=None, alias="input")
    spoken: _Output | None = Field(default=None, alias="output")


class _Tool(_Part):
    type: Literal["function", "mcp"]
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    server_label: str | None = None


class _ThisFunction(_Part):
    type: Literal["function"]
    name: str


class _ThisServer(_Part):
    type: Literal["mcp"]
    server_label: str
    name: str | None = None


class _Tracing(_Part):
    workflow_name: str | None = None
    group_id: str | None = None


class _Retention(_Part):
    type: Literal["retention_ratio"]
    retention_ratio: Annotated[float, Field(ge=0, le=1)]


class _Prompt(_Part):
    id: str
    version: str | None = None
    variables: dict[str, Any] | None = None


class _Reasoning(_Part):
    effort: str | None = None


Modalities = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=1)]
"""One of the two, as at OpenAI: sound has its words beside it."""
Tokens = Annotated[int, Field(ge=1, le=100_000, strict=True)] | Literal["inf"]
ToolChoice = Literal["none", "auto", "required"] | _ThisFunction | _ThisServer


class Patch(_Part):
    """What `session.update` may change."""

    type: Literal["realtime", "transcription"] = "realtime"
    model: Annotated[str, Field(max_length=200)] | None = None
    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: _Audio | None = None
    tools: list[_Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_output_tokens: Tokens | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    tracing: Literal["auto"] | _Tracing | None = None
    truncation: Literal["auto", "disabled"] | _Retention | None = None
    prompt: _Prompt | None = None
    reasoning: _Reasoning | None = None
