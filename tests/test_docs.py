"""What the documents say is what the code does."""

import re
import time
from dataclasses import MISSING, Field
from dataclasses import fields as fields_of
from inspect import signature
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from rich.filesize import decimal

from antiphon import VoiceAgent
from server.call.caller import Caller
from server.call.messages import ClientMessage, ServerMessage
from server.config import Described, described, essential
from server.settings_page import page
from server.speech.models.catalogue import CATALOGUE
from signaling.access import SUBPROTOCOL
from signaling.keys import secret_key
from signaling.tokens import (
    LEEWAY_S,
    MAX_CHARS,
    MAX_CONTEXT_BYTES,
    Claims,
    Expected,
    caller_of,
    read_claims,
    read_header,
)
from tests.tokens import SECRET

ROOT = Path(__file__).parent.parent
CELL = re.compile(r"`([^`]+)`")


def rows(document: str, start: str = "", end: str = r"\Z") -> list[list[str]]:
    """The cells of every table row in the document, or in the part of it from `start` to `end`."""
    text = (ROOT / document).read_text(encoding="utf-8")
    part = re.search(rf"{start}.*?(?={end})", text, re.DOTALL)
    assert part is not None, f"{document} has no part that begins with {start}"
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in part[0].splitlines()
        if line.startswith("|")
    ]


def test_the_page_of_settings_is_made_from_the_code() -> None:
    """docs/settings.md is exactly what `python -m server.settings_page` prints, and has every setting."""
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert text == page(), "run: python -m server.settings_page > docs/settings.md"
    assert sorted(documented("docs/settings.md")) == sorted(map(cells_of, described()))


def test_the_readme_has_the_settings_that_most_people_need() -> None:
    """Each is there once, in their order, with the name, the default and the meaning that it has in the code."""
    assert documented("README.md") == [*map(cells_of, essential())], "see: python -m server.settings_page readme"


def documented(document: str) -> list[list[str]]:
    return [cells for cells in rows(document) if cells[0].startswith("`ANTIPHON_")]


def cells_of(setting: Described) -> list[str]:
    return [f"`{setting.variable}`", f"`{setting.default}`" if setting.default else "", setting.help]


def test_every_variable_in_the_documents_is_a_setting() -> None:
    """No page, and no file for containers, names a setting that is not there, or not any more."""
    files = [*ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"), ROOT / "README.md", ROOT / "turn/turnserver.conf"]
    files += [ROOT / "Dockerfile", ROOT / "docker-compose.yml", *ROOT.glob("deploy/*")]
    known = {setting.variable for setting in described()}
    for path in files:
        named = set(re.findall(r"ANTIPHON_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
        assert named <= known, path


def test_operations_has_every_metric() -> None:
    """The table of metrics names those that are made, and no others."""
    makers = [*(ROOT / "server/telemetry").glob("*.py"), ROOT / "server/app.py", ROOT / "server/watching.py"]
    texts = (path.read_text(encoding="utf-8") for path in makers)
    code = "".join(text for text in texts if "create_" in text or "watch_drops" in text)  # others name attributes
    made = set(re.findall(r'\(\s*"((?:antiphon|gen_ai)\.[a-z_.]+)"', code))
    named = {name for cells in rows("docs/operations.md") for name in CELL.findall(cells[0]) if "." in name}
    assert named == made


def test_every_threat_names_tests_that_exist() -> None:
    """Each line of the threat model names at least one test, which is there."""
    threats = [
        cells
        for cells in rows("docs/threat-model.md", "## A stranger")
        if cells[0] not in ("---", "what could be tried")
    ]
    assert len(threats) > 100
    for cells in threats:
        tests = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", cells[2])
        assert tests or "make image-test" in cells[2], cells[0]
        for path, name in tests:
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8") or not name, f"{path}::{name}"


def test_the_page_of_models_has_the_catalogue() -> None:
    """Each model with its licence, its size and the places that have it; checksums of the large files are right."""
    documented = {cells[0].strip("`"): cells for cells in rows("docs/models.md", "## Where they", "\n\n- ")}
    for model in CATALOGUE:
        _name, _kind, licence, size, hub, wheels = documented[model.name]
        assert (licence, size, hub) == (model.licence, decimal(model.size), f"`{model.hub}`")
        for wheel in model.wheels:
            assert f"`{wheel.project}`" in wheels
            assert wheel.version in wheels
    checksums = {file.sha256 for model in CATALOGUE for file in model.files}
    named = [CELL.findall(cells[1]) for cells in rows("docs/models.md", r"\| file \|", "\n\n")]
    assert len(named) == 2 + 4
    assert {checksum for found in named for checksum in found} <= checksums


def test_the_guide_for_authors_has_every_field_of_an_agent() -> None:
    """The table in docs/agents.md is the dataclass: its fields in order, with their defaults."""

    def shown(field: Field[Any]) -> str:
        if field.default_factory is not MISSING:
            return f"`{field.default_factory()!r}`"
        if field.default is MISSING:
            return "required"
        if callable(field.default):
            return f"a function that returns `{field.default(*signature(field.default).parameters)!r}`"
        return f"`{field.default!r}`"

    _head, _line, *documented = rows("docs/agents.md", "## The fields", "## Dependencies")
    assert [cells[:2] for cells in documented] == [[f"`{field.name}`", shown(field)] for field in fields_of(VoiceAgent)]


def fields(message: type[BaseModel]) -> set[str]:
    return set(message.model_fields) - {"type"}


@pytest.mark.parametrize(
    ("start", "end", "messages"),
    [("### From the server", "### ", get_args(ServerMessage)), ("### From the client", r"\Z", get_args(ClientMessage))],
    ids=["server", "client"],
)
def test_the_protocol_has_every_message(start: str, end: str, messages: tuple[type[BaseModel], ...]) -> None:
    """Each direction names the messages that go that way and all of their fields, and no others."""
    documented: dict[str, set[str]] = {}
    for names, field_names, *_ in rows("docs/protocol.md", start, end):
        for name in CELL.findall(names):
            documented[name] = set(CELL.findall(field_names))
    documented.pop("type")  # the head of the table
    assert documented == {message.model_fields["type"].default: fields(message) for message in messages}


DOCUMENTS = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")] if path.name != "CHANGELOG.md")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")
OUR_PATH = re.compile(r"(?:server|signaling|static|tests|bench|docs|turn|deploy|examples|antiphon)/[\w./-]*")


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_exists(document: Path) -> None:
    """Every link of a document leads somewhere, and every path that it names exists."""
    text = document.read_text(encoding="utf-8")
    for file, anchor in LINK.findall(text):
        target = document.parent / file if file else document
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"
    spans = CELL.findall(re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    named = {path[0] for span in spans if (path := OUR_PATH.match(span))}
    assert not [path for path in named if not (ROOT / path).exists()]


def example(document: str, heading: str) -> str:
    """The first example in Python under a heading."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.search(rf"^#+ {heading}$.*?^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


def test_the_token_of_the_guide_lets_a_caller_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the guide tells a backend to write is a token that the server reads, with its context."""
    monkeypatch.setenv("ANTIPHON_ACCESS_SECRET", SECRET)
    names: dict[str, Any] = {}
    exec(example("docs/access.md", "Tokens"), names)
    header = read_header(names["token"])
    caller = caller_of(
        read_claims(names["token"], header, [secret_key(SECRET)]),
        Expected(frozenset({"Museum"})),
        Caller(),
        time.time(),
    )
    assert (caller.name, caller.context, caller.expired) == ("user-4711", {"name": "Ann", "plan": "gold"}, False)


def test_the_guide_has_every_claim() -> None:
    """The table of claims names those that the server reads, and its limits are those of the code."""
    named = {name for cells in rows("docs/access.md", "## Claims", "\n\n\\*\\*") for name in CELL.findall(cells[0])}
    assert named == set(Claims.model_fields)
    text = (ROOT / "docs/access.md").read_text(encoding="utf-8")
    assert f"at most {MAX_CHARS:,} characters" in text
    assert f"at most {MAX_CONTEXT_BYTES:,} bytes" in text
    assert f"differ by {LEEWAY_S} s" in text
    assert f"`{SUBPROTOCOL}`" in text
