"""Rules about the rooms: who may import what, and who knows no world."""

import ast
from functools import cache

import pytest

from tests.rooms import FILES, HOUSE, ROOT, picture, place
from tests.sources import imports, names, tree, users, within

PURE = """
    server/cluster/announcement.py server/cluster/named.py server/cluster/seal.py
    server/cluster/door/servers.py server/cluster/door/configuration.py
    server/cluster/plan.py server/cluster/spec.py
    server/cluster/speech/asked.py server/cluster/speech/names.py server/cluster/speech/pieces.py
    server/errors.py server/settings_group.py server/agent/limits.py server/agent/memory.py
    server/agent/returned.py server/agent/spoken/known.py server/agent/spoken/request.py server/call/mind/news.py
    server/call/events.py server/call/floor.py server/call/turns/endpoint.py server/call/turns/expectation.py
    server/call/turns/patience.py server/call/turns/judge.py
    server/call/turns/lexicon/lexicon.py
    server/call/turns/lexicon/english.py server/call/turns/lexicon/english_writing.py
    server/call/turns/lexicon/grammar.py server/call/turns/lexicon/writing.py server/call/turns/lexicon/neutral.py
    server/call/turns/lexicon/compound_numbers.py server/call/turns/lexicon/german_writing.py
    server/call/turns/lexicon/german_endings.py server/call/turns/lexicon/german.py
    server/call/turns/lexicon/dutch_writing.py server/call/turns/lexicon/dutch_endings.py
    server/call/turns/lexicon/dutch.py
    server/call/turns/lexicon/french.py server/call/turns/lexicon/french_endings.py
    server/call/turns/lexicon/spanish.py server/call/turns/lexicon/spanish_endings.py
    server/call/turns/lexicon/italian.py server/call/turns/lexicon/italian_endings.py
    server/call/turns/lexicon/portuguese.py server/call/turns/lexicon/portuguese_endings.py
    server/call/turns/lexicon/numerals.py
    server/call/turns/lexicon/choice.py server/call/mind/owed.py server/call/mind/announcements.py
    server/call/mind/instructions.py server/call/mind/standing_orders.py server/call/live.py
    server/agent/call_control.py
    server/call/turns/sound.py server/call/turns/overlap.py server/call/turns/habit.py
    server/call/ears/echo.py server/call/ears/voicing.py server/call/ears/stirring.py server/call/mind/history.py
    server/call/caller.py server/call/control_token.py
    server/call/message.py server/call/messages.py server/call/agent_messages.py
    server/call/mouth/stopwatch.py server/call/options.py server/call/turns/idleness.py
    server/call/trace.py server/call/budget.py server/call/turns/company.py server/call/ears/nearness.py
    server/call/turns/turn_judge.py
    server/call/ears/keyboard.py server/call/ears/keypad.py server/call/ears/key_entry.py
    server/pace.py server/call/desk/admission.py
    server/call/desk/limits.py server/record/conversation.py
    server/record/minutes.py server/record/used.py server/record/orders.py server/record/store.py
    server/record/figures.py server/record/query.py server/record/rows.py server/record/tally.py
    server/record/finder.py
    server/record/webvtt.py
    server/record/stores/codec.py
    server/speech/protocols.py server/speech/clauses.py server/speech/speakable.py server/speech/languages.py
    server/media/frame.py server/media/tones.py
    server/speech/by_language.py server/speech/wrapped.py server/speech/settled.py server/speech/unspoken.py
    server/speech/shares.py server/speech/plausibility.py
    server/speech/spoken_form.py server/speech/spoken_date.py server/speech/spoken_time.py
    server/speech/spoken_unit.py server/speech/spoken_address.py server/agent/output.py server/agent/written.py
    server/speech/number_length.py server/speech/pool.py server/speech/detection.py server/agent/lines.py
    server/speech/models/catalogue.py server/speech/models/proposal.py
    server/speech/engines/sound.py server/speech/engines/phonemes.py server/speech/engines/written_english.py
    server/call/soundtrack.py
    server/call/mouth/clause.py server/call/mouth/playout.py
    server/media/jitter.py server/media/feed.py server/media/tape.py
    server/media/candidates.py server/media/offer.py server/media/presence.py server/media/reach.py
    server/media/sections.py server/media/codecs.py server/media/answer.py
    server/media/own_offer.py
    server/media/sctp.py server/media/senders.py
    server/media/breaker.py server/media/counters.py server/media/e_model.py
    server/media/line.py server/agent/ran.py
    server/media/downlink.py server/media/dtmf.py
    server/media/guard.py server/media/rtcp.py server/media/rtp.py
    server/telemetry/signals.py server/telemetry/waits.py server/telemetry/last_use.py
    signaling/ice.py signaling/addresses.py
    signaling/keys.py signaling/tokens.py server/agent/call_info.py server/agent/breakers.py
    server/agent/model_failures.py server/agent/hooks.py server/agent/extras.py server/agent/passing_on.py
    signaling/ways.py signaling/json_values.py
    signaling/rtvi/envelope.py signaling/rtvi/frames.py signaling/rtvi/saying.py signaling/rtvi/session_id.py
    signaling/rtvi/spoken.py signaling/rtvi/telling.py signaling/rtvi/translator.py
    server/call/line/translator.py
    server/call/line/telephone.py signaling/telephony/reading.py signaling/telephony/asterisk.py
    signaling/telephony/media_streams.py signaling/telephony/jambonz.py signaling/telephony/freeswitch.py
    signaling/telephony/audiosocket.py signaling/telephony/pieces.py signaling/telephony/twilio_signature.py
    server/record/outbox.py server/webhooks/signature.py server/webhooks/schedule.py server/webhooks/events.py
    server/webhooks/types.py
    signaling/sip/message.py signaling/sip/digest.py signaling/sip/registrar.py signaling/sip/transactions.py
    signaling/sip/dialog.py signaling/sip/session_timer.py signaling/sip/key_press.py signaling/sip/refer.py
    signaling/sip/refusal.py signaling/sip/limits.py signaling/sip/address.py
    signaling/realtime/requests.py signaling/realtime/session_config.py signaling/realtime/items.py
    signaling/realtime/answer.py signaling/realtime/heard.py signaling/realtime/speaking.py
    signaling/realtime/translator.py signaling/realtime/ledgers.py signaling/realtime/beside.py
    signaling/realtime/context.py signaling/realtime/session_object.py signaling/realtime/page_secret.py
    signaling/openai/content.py signaling/openai/formats.py signaling/openai/outgoing.py signaling/openai/refused.py
    signaling/openai/told.py signaling/openai/way.py
    signaling/live/requests.py signaling/live/session_object.py signaling/live/session_config.py
    signaling/live/permissions.py signaling/live/transcripts.py signaling/live/delegations.py
    signaling/live/translator.py
""".split()
"""They decide, parse or count; what they know they are told."""
IMPURE_MODULES = frozenset(
    """
    asyncio aiohttp aiortc aioice av threading multiprocessing subprocess socket selectors select signal concurrent
    time datetime random secrets os io pathlib shutil tempfile sys logging contextvars wyoming openai onnxruntime
    """.split()
)
"""Waiting, input and output, clocks, chance, processes: what makes the same call give another result."""
IMPURE_NAMES = frozenset({"open", "print", "input", "exec", "eval", "__import__"})
ONLY: dict[str, tuple[str, ...]] = {
    "server/media/": ("server.media", "server.errors", "server.pace"),
    "server/speech/": ("server.speech", "server.media.frame", "server.media.resample", "server.errors", "server.logs"),
    "server/agent/": (
        "server.agent",
        "server.errors",
        "server.settings_group",
        "server.call.turns.lexicon.english_writing",
    ),
    "server/record/": ("server.record", "server.errors"),
    "server/errors.py": (),
    "signaling/": (
        "signaling",
        "server.errors",
        "server.pace",
        "server.call.messages",
        "server.call.agent_messages",
        "server.call.caller",
        "server.call.options",
        "server.call.live",
        "server.call.control_token",
        "server.call.line.telephone",
        "server.call.line.translator",
        "server.record.conversation",
        "server.record.moments",
        "server.record.query",
        "server.record.webvtt",
    ),
}
"""Some rooms may import less of ours than the floors below them."""
ENGINES = (
    "server.speech.wyoming_stt",
    "server.speech.wyoming_tts",
    "server.speech.wyoming_client",
    "server.speech.openai_http",
    "server.speech.openai_realtime",
    "server.speech.realtime_exchange",
    "server.speech.cartesia_tts",
    "server.speech.web_socket",
    "server.speech.supervisor",
    "server.speech.vad",
    "server.speech.endpoint_worker",
    "server.speech.endpoint_http",
    "server.speech.http_api",
    "server.speech.judgements",
)
"""The concrete engines, which only the composition root and they themselves know."""
STORES = ("server.record.stores.sqlite", "server.record.stores.redis")
"""The concrete stores, likewise."""


@pytest.mark.parametrize("path", PURE)
def test_pure_files_know_no_world(path: str) -> None:
    """What decides, parses or counts has no clock, no I/O and nothing to wait for."""
    assert {module.split(".")[0] for module in imports(path)} & IMPURE_MODULES == set()
    assert set(names(path)) & IMPURE_NAMES == set()
    assert [node for node in ast.walk(tree(path)) if isinstance(node, ast.Await)] == []


@pytest.mark.parametrize("path", [path for path in PURE if path != "server/errors.py"])
def test_pure_files_import_pure_files(path: str) -> None:
    """Of ours, a pure file knows only pure ones."""
    modules = {file.removesuffix(".py").replace("/", ".") for file in PURE}
    ours = {module for module in imports(path) if within(module, ("server", "signaling"))}
    assert {module for module in ours if not within(module, tuple(modules))} == set()


@cache
def modules() -> dict[str, str]:
    """Our files by the names of their modules; a folder's own `__init__.py` has no names in it."""
    files = [path for path in FILES if not path.endswith("__init__.py")]
    return {path.removesuffix(".py").replace("/", "."): path for path in files}


@pytest.mark.parametrize("path", FILES)
def test_arrows_point_down(path: str) -> None:
    """A file imports its own room and the floors below it, and nothing else of ours."""
    floor, room = place(path)
    known = {
        modules()[name] for name in imports(path) if name in modules() and not modules()[name].endswith("__init__.py")
    }
    assert {other for other in known if place(other)[1] is not room and place(other)[0] <= floor} == set()


@pytest.mark.parametrize("path", FILES)
def test_some_rooms_know_even_less(path: str) -> None:
    """The rooms on the ground know nothing of each other, and signaling knows only the words of a call."""
    for room, known in ONLY.items():
        if path.startswith(room):
            assert [m for m in imports(path) if within(m, ("server", "signaling")) and not within(m, known)] == []


def test_every_file_has_a_room() -> None:
    """Each file is in one room, and every file that a room names is there."""
    for path in FILES:
        assert place(path)
    named = {f"{room.folder}{name}.py" for floor in HOUSE for room in floor for name in room.names.split()}
    assert named <= set(FILES)


def test_the_picture_of_the_house_is_true() -> None:
    """docs/architecture.md shows the floors that these tests check."""
    assert picture() in (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_signaling_knows_no_sound() -> None:
    """Who agrees to talk needs no samples."""
    assert [
        path for path in users("numpy", "av", "aiortc", "wyoming", "pydantic_ai") if path.startswith("signaling/")
    ] == []


def test_four_files_know_aiortc() -> None:
    """WebRTC's library is behind one adapter: signaling, messages, sound, and its ICE."""
    assert users("aiortc") == ["server/media/bundle.py", "server/media/channel.py"]
    assert users("aioice") == ["server/media/ice.py", "server/media/transport.py"]


def test_one_room_knows_what_metrics_are_made_of() -> None:
    """Everything else counts for itself, or says what happens."""
    knowing = users("opentelemetry", "prometheus_client")
    assert [path for path in knowing if not path.startswith("server/telemetry/")] == []


def test_http_is_served_by_signaling_and_the_composition_root() -> None:
    """Nothing between them knows requests and responses."""
    assert {path for path in users("aiohttp.web") if not path.startswith("signaling/")} <= {
        "server/app.py",
        "server/telephony.py",
        "server/web.py",
        *(path for path in FILES if path.startswith("server/cluster/")),
    }


@pytest.mark.parametrize("concrete", [*ENGINES, *STORES])
def test_the_composition_root_alone_names_engines_and_stores(concrete: str) -> None:
    """Everything else knows them by their protocols."""
    knowing = {path for path in users(concrete) if not within(path.removesuffix(".py").replace("/", "."), ENGINES)}
    roots = ("app", "choices", "cli_door", "membership", "chosen", "engines", "speech_to_text", "text_to_speech")
    assert knowing <= {f"server/{root}.py" for root in roots}


def test_engines_are_loaded_by_the_worker_alone() -> None:
    """What computes speech stays out of the server's process."""
    assert [path for path in users("server.speech.engines") if not path.startswith("server/speech/")] == []
    heavy = users("pocketsphinx", "piper", "faster_whisper", "espeakng_loader", "hibari")
    assert [path for path in heavy if not path.startswith("server/speech/")] == []
