"""Models of a few kilobytes, which the real libraries load and run. Only their results are simple and known.

`make_whisper` writes a CTranslate2 Whisper whose weights are noise, with a bias that makes it say WORD for any sound.
`make_piper` writes a Piper voice that hums 16 ms for every phoneme. `make_smart_turn` writes an endpoint model that
gives a higher probability for louder sound.
"""

import json
from pathlib import Path

import ctranslate2
import numpy as np
import tokenizers
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

WORD = "hello"
PIPER_RATE = 16_000
_WORDS = ["<unk>", WORD, "world", "yes", "no"]
_SPECIAL = [
    *("<|endoftext|>", "<|startoftranscript|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>"),
    *("<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
]
_TIMES = [f"<|{0.02 * step:.2f}|>" for step in range(1501)]
_TOKENS = [*_WORDS, *_SPECIAL, *_TIMES]
_WIDTH, _MELS = 16, 80


def make_whisper(directory: Path) -> Path:
    """Write a model that faster-whisper loads, and return its directory. It is English only, like every model with a
    small vocabulary."""
    directory.mkdir(parents=True)
    spec = ctranslate2.specs.WhisperSpec(1, 2, 1, 2)
    noise = np.random.default_rng(7)
    for name, shape in _shapes(spec).items():
        *path, last = name.split("/")
        layer = ctranslate2.specs.model_spec.index_spec(spec, "/".join(path))
        setattr(layer, last, (noise.standard_normal(shape) * 0.02).astype(np.float32))
    spec.decoder.projection.bias = _says_word()
    spec.register_vocabulary(_TOKENS)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [_TOKENS.index("<|endoftext|>")]
    spec.config.lang_ids = []
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.save(str(directory))
    words = tokenizers.models.WordLevel({token: at for at, token in enumerate(_TOKENS)}, unk_token="<unk>")
    tokenizer = tokenizers.Tokenizer(words)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "preprocessor_config.json").write_text(json.dumps({"feature_size": _MELS}))
    return directory


def _says_word() -> np.ndarray:
    """A bias that makes WORD more likely than all other words. The end is even more likely, but may not come first."""
    bias = np.zeros(len(_TOKENS), np.float32)
    bias[_TOKENS.index(WORD)] = 20
    bias[_TOKENS.index("<|endoftext|>")] = 40
    return bias


def _shapes(spec: ctranslate2.specs.WhisperSpec) -> dict[str, tuple[int, ...]]:
    """The shape of each weight that has to be set, by the weight's name."""
    d, words = _WIDTH, len(_TOKENS)
    ends: dict[str, tuple[int, ...]] = {
        "conv1/weight": (d, _MELS, 3),
        "conv2/weight": (d, d, 3),
        "embeddings/weight": (words, d),
        "projection/weight": (words, d),
        "gamma": (d,),
        "beta": (d,),
        "self_attention/linear_0/weight": (3 * d, d),  # queries, keys and values in one
        "/attention/linear_1/weight": (2 * d, d),  # keys and values
        "ffn/linear_0/weight": (4 * d, d),
        "ffn/linear_1/weight": (d, 4 * d),
    }
    unset = [name for name, value in spec.variables().items() if value is None]
    shapes = {name: next((shape for end, shape in ends.items() if name.endswith(end)), (d, d)) for name in unset}
    positions = {"encoder/position_encodings/encodings": (1500, d), "decoder/position_encodings/encodings": (448, d)}
    return shapes | positions


def make_piper(directory: Path, name: str = "en_US-tiny-low") -> Path:
    """Write `name`.onnx and `name`.onnx.json, and return the path of the first."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.onnx"
    path.write_bytes(_humming_model())
    config = {
        "audio": {"sample_rate": PIPER_RATE},
        "espeak": {"voice": "en-us"},
        "inference": {},
        "num_symbols": 256,
        "num_speakers": 1,
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
    }
    path.with_name(path.name + ".json").write_text(json.dumps(config))
    return path


def _humming_model() -> bytes:
    """phoneme ids [1, n] -> float -> [n, 1] x one period of a tone [256] -> sound [1, 1, 1, 256 n]."""
    tone = np.sin(np.arange(256) * 2 * np.pi * 8 / 256).astype("<f4")
    column, sound = np.array([-1, 1], "<i8"), np.array([1, 1, 1, -1], "<i8")
    graph = [
        _field(1, _node("Cast", ["input"], "ids", _field(1, "to") + _field(3, 1) + _field(20, 2))),
        _field(1, _node("Reshape", ["ids", "column"], "rows")),
        _field(1, _node("Mul", ["rows", "tone"], "hum")),
        _field(1, _node("Reshape", ["hum", "sound"], "output")),
        _field(2, "hum"),
        *(_field(5, _tensor(*each)) for each in (("tone", 1, tone), ("column", 7, column), ("sound", 7, sound))),
        _field(11, _value("input", 7, [1, "n"])),
        _field(11, _value("input_lengths", 7, [1])),
        _field(11, _value("scales", 1, [3])),
        _field(12, _value("output", 1, [1, 1, 1, "samples"])),
    ]
    return _field(1, 8) + _field(7, b"".join(graph)) + _field(8, _field(2, 13))


def make_smart_turn(directory: Path, name: str = "smart-turn-tiny", frames: int = 800) -> Path:
    """Write a model that maps a log-mel spectrogram [1, 80, `frames`] to the sigmoid of its mean."""
    directory.mkdir(parents=True, exist_ok=True)
    graph = [
        _field(1, _node("ReduceMean", ["input_features"], "mean")),
        _field(1, _node("Sigmoid", ["mean"], "probability")),
        _field(2, "mean"),
        _field(11, _value("input_features", 1, [1, _MELS, frames])),
        _field(12, _value("probability", 1, [1, 1, 1])),
    ]
    path = directory / f"{name}.onnx"
    path.write_bytes(_field(1, 8) + _field(7, b"".join(graph)) + _field(8, _field(2, 13)))
    return path


# ONNX files are protobuf. The numbers of the fields are in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low]) if not high else bytes([low | 0x80]) + _varint(high)


def _node(operator: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    fields = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, operator)
    return fields + (_field(5, attribute) if attribute else b"")


def _tensor(name: str, kind: int, values: np.ndarray) -> bytes:
    return (
        b"".join(_field(1, size) for size in values.shape)
        + _field(2, kind)
        + _field(8, name)
        + _field(9, values.tobytes())
    )


def _value(name: str, kind: int, shape: list[int | str]) -> bytes:
    sizes = b"".join(_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, sizes)))
