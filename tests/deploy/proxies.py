"""Debian's Caddy and nginx as processes: with the configurations in deploy/, on free ports, with TLS for localhost."""

import datetime
import os
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.relay import free_port
from tests.started import ROOT

DEPLOY = ROOT / "deploy"
START_S = 30
IMPATIENT_S = 2
"""With `impatient`, the time limits of a configuration are these seconds, so that a test need not wait for an hour."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: `url` is where callers find it, `http_url` is the same without TLS."""

    process: subprocess.Popen[bytes]
    http_port: int
    https_port: int
    certificate: Path
    """Whom a client has to trust."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def http_url(self) -> str:
        return f"http://localhost:{self.http_port}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def wait(self) -> None:
        """Wait until it takes connections, and has made its certificate."""
        ends_s = time.monotonic() + START_S
        while True:
            try:
                with socket.create_connection(("localhost", self.https_port), 1) as plain:
                    self.trust.wrap_socket(plain, server_hostname="localhost").close()
            except OSError:
                assert self.process.poll() is None, "the proxy has ended"
                assert time.monotonic() < ends_s, "the proxy does not answer"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(START_S)


def caddy(directory: Path, upstream: str, impatient: bool = False) -> Proxy:
    """Caddy, in front of the server at `upstream` (host:port). It is its own certificate authority for localhost."""
    http_port, https_port = free_port(), free_port()
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    if impatient:
        text = changed(text, {"read_body 10s": f"read_body {IMPATIENT_S}s", "idle 1m": f"idle {IMPATIENT_S}s"})
    (directory / "Caddyfile").write_text(text, encoding="utf-8")
    environment = {"DOMAIN": "localhost", "UPSTREAM": upstream, "XDG_DATA_HOME": str(directory)}
    ports = {"HTTP_PORT": str(http_port), "HTTPS_PORT": str(https_port), "HOME": str(directory)}
    command = ["caddy", "run", "--config", str(directory / "Caddyfile"), "--adapter", "caddyfile"]
    process = start(command, directory, env=os.environ | environment | ports)
    return Proxy(process, http_port, https_port, directory / "caddy/pki/authorities/local/root.crt")


def nginx(directory: Path, upstream: str, impatient: bool = False) -> Proxy:
    """nginx, in front of the server at `upstream` (host:port), with a certificate for localhost."""
    http_port, https_port = free_port(), free_port()
    certificate, key = self_signed(directory)
    changes = {
        "voice.example.org;\n    server_tokens": "localhost;\n    server_tokens",
        "127.0.0.1:8080": upstream,
        "listen 80;": f"listen {http_port};",
        "listen [::]:80;": "",
        "listen 443 ssl": f"listen {https_port} ssl",
        "listen [::]:443 ssl http2;": "",
        "/etc/letsencrypt/live/voice.example.org/fullchain.pem": str(certificate),
        "/etc/letsencrypt/live/voice.example.org/privkey.pem": str(key),
    }
    if impatient:
        changes |= {name: name.replace("60s", f"{IMPATIENT_S}s") for name in ("read_timeout 60s", "send_timeout 60s")}
    text = changed((DEPLOY / "nginx.conf").read_text(encoding="utf-8"), changes)
    places = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in PLACES)
    (directory / "nginx.conf").write_text(
        f"daemon off;\npid {directory}/pid;\nerror_log {directory}/log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{text}}}\n",
        encoding="utf-8",
    )
    command = ["nginx", "-p", str(directory), "-e", f"{directory}/log", "-c", str(directory / "nginx.conf")]
    return Proxy(start(command, directory), http_port, https_port, certificate)


PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
PROXIES: list[Any] = [
    pytest.param(
        make, id=name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"apt-get install {package}")
    )
    for make, name, package in ((caddy, "caddy", "caddy"), (nginx, "nginx", "nginx-light"))
]


def changed(text: str, changes: dict[str, str]) -> str:
    """The text with each of the `changes`, all of which have to be in it."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def start(command: list[str], directory: Path, **how: Any) -> subprocess.Popen[bytes]:
    with (directory / "output").open("wb") as output:
        return subprocess.Popen(command, cwd=directory, stdout=output, stderr=subprocess.STDOUT, **how)


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for localhost, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return directory / "cert.pem", directory / "key.pem"
