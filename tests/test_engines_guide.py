"""The page about speech engines: its examples run as they stand there, and it names every engine."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from server.agent.breakers import FAILURES_IN_A_ROW, PAUSE_S
from server.speech import fallbacks, openai_realtime, own_engine
from server.speech.local_engines import STT_WITHOUT_MODEL, TTS_WITHOUT_MODEL

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs/engines.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def test_the_example_keeps_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines of the guide pass the tests of the guide."""
    module = ModuleType("engines")
    monkeypatch.setitem(sys.modules, "engines", module)
    for source in EXAMPLES:
        exec(source, module.__dict__)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_every_engine_is_in_the_tables() -> None:
    """Those of this server, and those that the composition root compares names with."""
    names = {"auto", "whisper", "piper", *STT_WITHOUT_MODEL, *TTS_WITHOUT_MODEL}
    for root in ("speech_to_text", "text_to_speech"):
        source = (ROOT / f"server/{root}.py").read_text(encoding="utf-8")
        (hosted,) = re.findall(r"if name in \((.*?)\)", source)
        names |= set(re.findall(r'"(\w+)"', hosted))
    assert {"openai", "realtime", "cartesia"} <= names
    assert not [name for name in names if not re.search(rf"^\|.*`{name}`.*\|", GUIDE, re.MULTILINE)]


def test_the_limits_are_those_of_the_code() -> None:
    """Seconds and counts."""
    assert f"given up after {fallbacks.PATIENCE_S:g} seconds" in GUIDE
    assert f"up to {fallbacks.KEEP_S} seconds" in GUIDE
    assert f"passed over for {PAUSE_S:g} seconds" in GUIDE
    assert (FAILURES_IN_A_ROW, openai_realtime.KEEP_S, own_engine.KEEP_S) == (3, 30, 30)
