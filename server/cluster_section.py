"""The settings of a server that is a worker of a cluster. They are a section of `config.Settings`."""

import secrets
from ipaddress import ip_network
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from server.call.desk.ids import WORKER
from server.sections import List
from server.settings_group import SettingsGroup

AUTO = "auto"


class Cluster(SettingsGroup):
    """Several servers that work as one. docs/cluster.md says how."""

    title: ClassVar[str] = "Cluster"

    workers: int = Field(1, ge=1, le=512)
    """How many servers `antiphon serve` starts on this machine, behind one address: one for each core that is to
    compute media. More than 1 needs HAProxy, and a Redis that all of them share (ANTIPHON_STORE). ANTIPHON_MAX_CALLS
    and ANTIPHON_MEDIA_PORTS are then those of each server; they may share a range of ports."""
    worker: str = ""
    """Name of this server in a cluster: w and up to 15 small letters or digits, which no other server has; or auto for
    a random one. The ids of its calls begin with it, so that every worker knows whose they are. All workers share one
    Redis (ANTIPHON_STORE). Empty: the server stands alone."""
    worker_url: str = ""
    """Where the other workers and whatever stands in front of them reach this one, such as http://10.0.0.5:7860. Empty:
    its own address and port; with 0.0.0.0, the address by which this machine reaches Redis."""
    worker_host: str = ""
    """Address on which this worker listens, at any free port, for the door and the other workers; ANTIPHON_HOST then
    is the address at which callers find the door. Whoever starts the worker sets it. Let nobody else reach these
    ports: metrics and health are there. Empty: the worker itself listens on ANTIPHON_HOST and ANTIPHON_PORT."""
    doors: List = ()
    """Addresses or networks of the doors in front of this worker, separated by commas. What they say about their
    clients is believed, as with ANTIPHON_TRUSTED_PROXIES. Whoever starts the worker sets it."""
    node: str = ""
    """Name of the machine that this worker runs on, for operators. Empty: the name that the machine itself has."""

    @field_validator("doors")
    @classmethod
    def _door_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(part)) for part in value)

    @field_validator("worker")
    @classmethod
    def _worker_name(cls, value: str) -> str:
        if value == AUTO:
            return f"w{secrets.token_hex(4)}"
        if value and not WORKER.fullmatch(value):
            raise ValueError("must be w and up to 15 small letters or digits, or auto")
        return value

    @field_validator("worker_url")
    @classmethod
    def _worker_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not (parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")):
            raise ValueError("must be an http or https address without a path")
        return value.rstrip("/")
