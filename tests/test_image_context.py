"""What goes into the image: all that the server needs, and nothing else that lies in somebody's checkout."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.started import ROOT, Started

PLANTED = """
    .env .env.production server/.env static/.env.local .git/config .git/objects/ab/cdef .gitignore .netrc
    .venv/lib/python3.11/site-packages/secret.py server/.venv/lib/secret.py .ssh/id_ed25519
    conversations.db conversations.db-wal server/x.db data/conversations.db server/record/conversations.db
    recordings/a.opus recordings/a.py server/recordings/a.opus static/recordings/a.opus server/recordings/a.py
    key.pem server/tls.key static/tls.crt antiphon/id_rsa server/id_rsa signaling/secrets signaling/secrets.json
    node_modules/left-pad/index.js static/node_modules/left-pad/index.js
    server/__pycache__/app.cpython-311.pyc server/app.pyc
    Dockerfile docker-compose.yml Makefile README.md turn/turnserver.conf deploy/Caddyfile deploy/secret.py
    models/whisper/base/model.bin tests/test_app.py my_agent.py examples/pizzeria.py backup.tar.gz server/app.py.orig
""".split()
"""Files that may lie in a checkout, and that nobody wants in an image."""


DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def passes(path: str) -> bool:
    """Whether this file gets into the image: past the rules of .dockerignore, of which the last that matches counts.

    A rule also matches all files below a directory that it matches. The Dockerfile removes files without an ending.
    """
    name = path.rpartition("/")[2]
    if "." not in name and name not in kept_without_ending():
        return False
    parents = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 2)]
    excluded = False
    for rule in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = rule.removeprefix("!")
        if pattern and not pattern.startswith("#") and any(_regex(pattern).fullmatch(part) for part in parents):
            excluded = not rule.startswith("!")
    return not excluded


def kept_without_ending() -> list[str]:
    found = re.search(r"find /antiphon -type f ! -name '\*\.\*'((?: ! -name \w+)*) -delete", DOCKERFILE)
    return re.findall(r"-name (\w+)", found[1]) if found else []


def _regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*)", pattern)
    return re.compile("".join({"**/": "(.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))


def tracked(*places: str) -> list[str]:
    """The files of the repository."""
    return subprocess.run(
        ["git", "ls-files", *places], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()


@pytest.mark.parametrize("path", PLANTED)
def test_what_is_planted_does_not_pass(path: str) -> None:
    """No secret, database, recording, key or other stranger gets to the builder."""
    assert not passes(path)


def test_all_of_the_server_passes() -> None:
    """Every file of the server gets to the builder, and of the rest only what the Dockerfile uses."""
    needed = {*tracked("antiphon", "server", "signaling", "static"), "requirements.lock", "LICENSE"}
    assert {path for path in tracked() if passes(path)} == needed


async def test_what_passes_is_a_server(tmp_path: Path) -> None:
    """A server starts from these files alone, and serves the page."""
    for path in filter(passes, tracked()):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    server = Started(cwd=tmp_path, PYTHONPATH=str(tmp_path), ANTIPHON_STORE=":memory:")
    try:
        await asyncio.to_thread(server.wait)
        async with ClientSession(server.url) as http, asyncio.timeout(20):
            assert [(await http.get(path)).status for path in ("/", "/call.js", "/health/ready")] == [200] * 3
    finally:
        server.stop()
