"""What docker-compose.yml says. `make image-test` runs it; this looks at what must not change by accident."""

import re
from typing import Any

import pytest
import yaml

from server.config import described
from tests.started import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = [(ROOT / "Dockerfile").read_text(encoding="utf-8"), SERVICES["coturn"]["build"]["dockerfile_inline"]]


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_few_rights(name: str) -> None:
    """Each has a read-only file system, no new privileges, limits, and no capability but Caddy's one."""
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "privileged" not in service


def test_the_store_has_no_network() -> None:
    """Redis has no password, so nothing but the server may reach it."""
    assert SERVICES["redis"]["network_mode"] == "none"
    assert not any("ports" in service for service in SERVICES.values())
    users = {
        name for name, service in SERVICES.items() if any("store-socket" in each for each in service.get("volumes", []))
    }
    assert users == {"redis", "antiphon"}


@pytest.mark.parametrize("variable", ["DOMAIN", "ANTIPHON_ACCESS_SECRET"])
def test_what_has_no_default_must_be_given(variable: str) -> None:
    """An empty value stops docker compose, with a sentence."""
    assert re.search(rf"\$\{{{variable}:\?[a-z ]+", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_the_server_knows_its_settings() -> None:
    """.env reaches the server: a name there that begins like a setting must be one, or the server does not start."""
    named = set(re.findall(r"\$\{(ANTIPHON_\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert named | {*SERVICES["antiphon"]["environment"]} <= {each.variable for each in described()}


def test_images_are_exact_versions() -> None:
    """A tag such as 7 or latest is another program next month."""
    bases = [base for dockerfile in DOCKERFILES for base in re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)]
    for image in [*bases, SERVICES["caddy"]["image"], SERVICES["redis"]["image"]]:
        assert re.search(r":\d+\.\d+\.\d+(-|$)|:bookworm-\d{8}-", image), image
