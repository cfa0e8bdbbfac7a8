"""Rules about each file: how long it is, where tasks start, who may look around."""

import ast

import pytest

from tests.rooms import FILES, ROOT
from tests.sources import names, tree

TASKS = frozenset(
    """
    server/cluster/fleet.py server/cluster/local.py server/cluster/ray/manager.py server/many.py
    server/cluster/ray/media_worker.py server/cluster/ray/door_keeper.py
    server/agent/tool_calls.py server/agent/spoken/line.py server/agent/spoken/keeper.py
    server/call/tasks.py server/call/mouth/reply.py server/record/journal.py
    server/record/archive.py
    server/call/desk/directory.py server/call/line/rtc_calls.py server/call/line/ws_call.py server/media/pacer.py
    server/media/bundle.py server/media/ice.py server/speech/supervisor.py server/speech/wyoming_server.py
    server/speech/wyoming_stt.py
    server/speech/openai_http.py server/speech/http_drafts.py server/speech/wyoming_client.py
    server/speech/judgements.py
    server/speech/openai_realtime.py server/speech/cartesia_tts.py server/speech/own_loop.py
    server/agent/held_toolset.py server/testing/text_call.py server/testing/engine_contract.py
    server/webhooks/deliveries.py
    server/call/line/sip_calls.py signaling/sip/socket.py signaling/sip/user_agent.py
    server/call/line/listening_peers.py server/call/line/realtime_calls.py server/cluster/member.py
    server/cluster/door/door.py server/cluster/door/haproxy.py
    server/cluster/fellows.py server/cluster/relay.py
    """.split()
)
"""They own a lifetime, and so may start tasks in it."""
LONGEST_FILE = 299
MOST_PARAMETERS = 6
"""Of a constructor. What needs more takes a dataclass of things that belong together."""


@pytest.mark.parametrize("path", FILES)
def test_files_stay_short(path: str) -> None:
    """A file that grows too long holds two nouns: split it."""
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", FILES)
def test_constructors_take_few_parameters(path: str) -> None:
    """No constructor has more than six parameters."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs][1:]
            assert len(given) <= MOST_PARAMETERS, f"{path}:{node.lineno}"


def test_the_environment_is_read_by_settings() -> None:
    """Nobody else looks for configuration. The others only set something: for libraries, or for pip."""
    setters = {"server/__init__.py", "server/speech/worker.py", "server/speech/models/package_index.py"}
    setters |= {"server/cluster/process.py", "server/cluster/ray/joining.py"}  # they hand theirs on to what they start
    readers = {path for path in FILES if {"environ", "getenv", "putenv"} & set(names(path))}
    assert readers <= {"server/config.py", *setters}


def test_tasks_start_where_a_lifetime_is_owned() -> None:
    """The files that start tasks are few and known."""
    starters = {
        path
        for path in FILES
        if {"create_task", "ensure_future", "TaskGroup", "run_coroutine_threadsafe"} & set(names(path))
    }
    assert starters == TASKS


def test_tasks_have_names() -> None:
    """A task that hangs can be found by its name."""
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "create_task":
                assert "name" in [keyword.arg for keyword in node.keywords], f"{path}:{node.lineno}"


def test_nobody_blocks_the_loop() -> None:
    """Sleeping is done on the loop, or in a worker's own thread."""
    sleepers = [
        path
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr == "sleep"
        and isinstance(node.value, ast.Name)
        and node.value.id == "time"
    ]
    assert sleepers == []
