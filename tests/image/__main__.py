"""`make image-test`: builds the images, starts docker-compose.yml on a machine of its own, and calls. As root.

The machine is this one in a network namespace, with one address (10.99.0.5) and a name, voice.test. A second Caddy
stands for Let's Encrypt. Everything else is what docker-compose.yml says. tests/image/build.py says what stands for the
images that would be downloaded.

    python -m tests.image            # builds and runs
    python -m tests.image run        # runs what was built before
"""

import asyncio
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection

from tests.image.build import ROOT, WORK, build, build_programs, inspect, layers
from tests.image.compose import FILE, Compose, Missing, podman, read
from tests.phone import Phone
from tests.socket_phone import SocketPhone
from tests.test_image_context import PLANTED, tracked

NAME, ADDRESS = "voice.test", "10.99.0.5"
OPERATIONS = "http://127.0.0.1:9090"
IMAGES = {name: f"localhost/antiphon-test-{name}" for name in ("redis", "antiphon", "caddy", "coturn")}
"""The services, in the order in which they are started."""
ANTIPHON, COTURN = IMAGES["antiphon"], IMAGES["coturn"]
MARK = "planted-3f1c9a7e5b"
"""Is in every planted file, and must be in no layer."""
ADMIN_TOKEN, ACCESS_SECRET, TURN_SECRET = (secrets.token_hex(32) for _ in range(3))
ENVIRONMENT = {
    "DOMAIN": NAME,
    "ACME_CA": f"https://{NAME}:9443/acme/local/directory",
    "ANTIPHON_ACCESS_SECRET": ACCESS_SECRET,
    "ANTIPHON_ADMIN_TOKEN": ADMIN_TOKEN,
    "ANTIPHON_MEDIA_ADDRESSES": ADDRESS,
    "ANTIPHON_TURN_SECRET": TURN_SECRET,
    "ANTIPHON_TURN_URLS": f"turn:{NAME}:3478?transport=udp",
    "ANTIPHON_DRAIN_S": "5",
    "ANTIPHON_ADMISSION_LAG_MS": "1e9",
    "ANTIPHON_ADMISSION_WAIT_MS": "1e9",
}
START_S = 240
ACME = f"""{{
    admin off
    skip_install_trust
    storage file_system {WORK}/acme
    http_port 9080
    https_port 9443
}}
{NAME}:9443 {{
    tls internal
    acme_server
}}
"""


def main() -> None:
    if sys.argv[1:] == ["inside"]:
        asyncio.run(check())
        return
    if sys.argv[1:] != ["run"]:
        build_all()
    (WORK / "hosts").write_text(f"127.0.0.1 localhost\n{ADDRESS} {NAME}\n", encoding="utf-8")
    machine = (
        f"mount --bind {WORK}/hosts /etc/hosts && ip link set lo up && "
        "ip link add outside type veth peer name beyond && ip link set outside up && ip link set beyond up && "
        f"ip address add {ADDRESS}/24 dev outside && exec {sys.executable} -m tests.image inside"
    )
    subprocess.run(["unshare", "--net", "--mount", "sh", "-c", machine], cwd=ROOT, check=True)


def build_all() -> None:
    """Build the images from a checkout in which secrets lie about."""
    context = WORK / "context"
    shutil.rmtree(context, ignore_errors=True)
    for path in tracked():
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, context / path)
    for path in PLANTED:
        if not (context / path).exists():
            (context / path).parent.mkdir(parents=True, exist_ok=True)
            (context / path).write_text(MARK, encoding="utf-8")
    build(context, context / "Dockerfile", ANTIPHON)
    service = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]["coturn"]["build"]
    (WORK / "Coturn").write_text(service["dockerfile_inline"], encoding="utf-8")
    build(context / service["context"], WORK / "Coturn", COTURN)
    build_programs(IMAGES["caddy"], IMAGES["redis"])


async def check() -> None:
    """All that is tested, in order."""
    said("an empty secret is refused", empty_secrets_are_refused())
    said("no planted file is in the image, and nothing of this machine", nothing_strange_is_inside())
    with running() as trust:
        said("the containers run as ordinary users, and write only where they may", users_and_files())
        said("health is inside, and not outside", health_is_inside(trust))
        async with client(trust) as http:
            said("a call by WebSocket", await call(await by_websocket(http)))
            said("a call by WebRTC", await call(await by_webrtc(http)))
            said("a call by WebRTC through the relay alone", await call(await by_relay(http)))
            said("a restart drains, and the call goes on", await restart(http))
        said("the models are there, and belong to the server's user", models())


def said(what: str, result: Any) -> None:
    print(f"ok  {what}{f': {result}' if result else ''}", flush=True)


def empty_secrets_are_refused() -> str:
    refused = []
    for name in ("DOMAIN", "ANTIPHON_ACCESS_SECRET"):
        try:
            read(FILE, ENVIRONMENT | {name: ""})
        except Missing as missing:
            refused.append(str(missing).split(":")[0])
    assert refused == ["DOMAIN", "ANTIPHON_ACCESS_SECRET"]
    relay = podman("run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
                   "--env", "TURN_PEERS=10.0.0.1", COTURN, check=False)  # fmt: skip
    assert relay == "", relay
    return ", ".join([*refused, "ANTIPHON_TURN_SECRET"])


def nothing_strange_is_inside() -> str:
    found = subprocess.run(["grep", "-rl", "--include=*", MARK, str(layers())], stdout=subprocess.PIPE, text=True)
    assert found.returncode == 1, found.stdout
    about = inspect(ANTIPHON)
    for secret in (MARK, "pip.conf", "/opt/wheels"):
        assert secret not in about
    files = podman("run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
                   "--entrypoint", "find", ANTIPHON, "/antiphon", "-type", "f").split()  # fmt: skip
    expected = {*tracked("antiphon", "server", "signaling", "static"), "requirements.lock", "LICENSE"}
    assert {file.removeprefix("/antiphon/") for file in files} == expected
    return f"{len(files)} files of the server"


@contextmanager
def running() -> Iterator[ssl.SSLContext]:
    """The services, with somebody who signs certificates. Gives what a browser trusts."""
    for name in IMAGES:
        podman("rm", "--force", "--ignore", "--time", "0", name)
    podman("volume", "prune", "--force")
    env_file = WORK / "env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in ENVIRONMENT.items()), encoding="utf-8")
    (WORK / "Acme").write_text(ACME, encoding="utf-8")
    with (WORK / "acme.log").open("wb") as log:
        authority = subprocess.Popen(
            ["caddy", "run", "--config", str(WORK / "Acme"), "--adapter", "caddyfile"], stdout=log, stderr=log
        )
    root = WORK / "acme/pki/authorities/local/root.crt"
    try:
        eventually(lambda: root.exists() and listens(9443))
        trusted = ["--env", "SSL_CERT_FILE=/root.crt", "--volume", f"{root}:/root.crt:ro"]
        compose = Compose(ENVIRONMENT, env_file, {"caddy": trusted})
        for name in IMAGES:
            compose.up(name, IMAGES[name])
        trust = ssl.create_default_context(cafile=str(root))
        eventually(lambda: status(f"{OPERATIONS}/health/ready") == 200)
        eventually(lambda: certified(trust))
        yield trust
    except BaseException:
        for name in IMAGES:
            print(f"== log of {name}", flush=True)
            print(podman("logs", name, check=False), flush=True)
        raise
    finally:
        for name in IMAGES:
            podman("rm", "--force", "--ignore", "--time", "0", name)
        authority.terminate()
        authority.wait()


def users_and_files() -> str:
    """Nobody is root but Caddy, which has one capability; files can be written where the volumes are."""
    users = {}
    for name in IMAGES:
        pid = podman("inspect", "--format", "{{.State.Pid}}", name).strip()
        lines = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        users[name] = lines["Uid"].split()[0]
        assert lines["NoNewPrivs"] == "1"
        assert int(lines["CapBnd"], 16) == (1 << 10 if name == "caddy" else 0), name
    assert users["antiphon"] == "10001"
    assert [name for name, uid in users.items() if uid == "0"] == ["caddy"]
    for path, may in (("/data/x", True), ("/models/x", True), ("/tmp/x", True), ("/antiphon/x", False), ("/x", False)):
        done = podman(
            "exec", "antiphon", "sh", "-c", f"touch {path} 2>/dev/null && rm {path} && echo written", check=False
        )
        assert (done.strip() == "written") is may, path
    secret = podman("exec", "coturn", "sh", "-c", "cat /proc/*/cmdline")
    assert TURN_SECRET not in secret
    return str(users)


def health_is_inside(trust: ssl.SSLContext) -> str:
    podman("healthcheck", "run", "antiphon")
    assert status(f"{OPERATIONS}/metrics") == 200
    for path in ("/health", "/health/live", "/metrics", "/api/conversations", "/api/tokens"):
        assert status(f"http://127.0.0.1:8080{path}") == 404, path
        assert status(f"https://{NAME}{path}", trust) == 404, path
    assert status(f"https://{NAME}/", trust) == 200
    for port in (8080, 9090, 6379):
        assert not listens(port, ADDRESS), port
    return ""


@asynccontextmanager
async def client(trust: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientSession]:
    """A caller with a token, which a backend gets for it."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}) as backend:
        token = (await (await backend.post(f"{OPERATIONS}/api/tokens", json={"sub": "anna"})).json())["token"]
    assert status(f"https://{NAME}/api/offer", trust, b"{}") == 401
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(ssl=trust)
    async with asyncio.timeout(300), aiohttp.ClientSession(connector=connector, headers=headers) as http:
        yield http


async def by_websocket(http: aiohttp.ClientSession, session_id: str = "new", resume: str = "") -> SocketPhone:
    phone = SocketPhone(f"https://{NAME}", http)
    await phone.dial(session_id, resume=resume)
    return phone


async def by_webrtc(http: aiohttp.ClientSession, how: RTCConfiguration | None = None) -> Phone:
    phone = Phone(f"https://{NAME}/api/offer", http)
    if how is not None:
        phone.use(RTCPeerConnection(how))
    await phone.dial()
    await phone.opened.wait()
    return phone


async def by_relay(http: aiohttp.ClientSession) -> Phone:
    async with http.get(f"https://{NAME}/api/ice-servers") as answer:
        (given,) = (await answer.json())["iceServers"]
    (url,) = [given["urls"]] if isinstance(given["urls"], str) else given["urls"]
    servers = [RTCIceServer(url, given["username"], given["credential"])]
    return await by_webrtc(http, RTCConfiguration(servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY))


async def call(phone: Phone | SocketPhone) -> str:
    await phone.until(type="response", reply=1, final=True)
    phone.send(type="text", text="What time do you close on Saturday?")
    answer = await phone.until(type="response", reply=2, final=True)
    assert "Saturday" in answer["text"]
    assert sum(phone.loud) > 20
    await phone.hang_up()
    return f"{sum(phone.loud) * 0.02:.1f} s of voice"


async def restart(http: aiohttp.ClientSession) -> str:
    """SIGTERM: the server tells the caller to connect again and ends in time; the next one goes on."""
    phone = await by_websocket(http)
    hello = await phone.until(type="session")
    await phone.until(type="response", reply=1, final=True)
    phone.send(type="text", text="my name is Anna")
    await phone.until(type="response", reply=2, final=True)
    begun_s = time.monotonic()
    stopping = asyncio.create_task(asyncio.to_thread(podman, "stop", "antiphon"))
    await phone.closed.wait()
    assert phone.close_code == 1012, phone.close_code
    await stopping
    took_s = time.monotonic() - begun_s
    code = podman("inspect", "--format", "{{.State.ExitCode}}", "antiphon").strip()
    assert code == "0", code
    await phone.hang_up()
    await asyncio.to_thread(podman, "start", "antiphon")
    await asyncio.to_thread(eventually, lambda: status(f"{OPERATIONS}/health/ready") == 200)
    again = await by_websocket(http, hello["session_id"], next(
        told["resume"] for told in reversed(phone.told) if told["type"] == "session"
    ))  # fmt: skip
    assert (await again.until(type="session"))["resumed"]
    again.send(type="text", text="what is my name")
    while not any(told["type"] == "response" and "Anna" in told["text"] for told in again.told):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await again.hang_up()
    return f"stopped in {took_s:.1f} s"


def models() -> str:
    """The volume of models has what the image has, and the server's user may write to it: `antiphon models pull`."""
    listed = podman("exec", "antiphon", "python", "-m", "antiphon", "models", "list")
    assert "whisper" in listed
    owner = podman("exec", "antiphon", "stat", "-c", "%u", "/models", "/models/whisper").split()
    assert owner == ["10001", "10001"]
    return ""


def eventually(true: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + START_S
    while not true():
        assert time.monotonic() < ends_s, "it takes too long"
        time.sleep(0.2)


def listens(port: int, address: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def certified(trust: ssl.SSLContext) -> bool:
    return status(f"https://{NAME}/", trust) == 200


def status(url: str, trust: ssl.SSLContext | None = None, body: bytes | None = None) -> int:
    """The status of an answer; 0 if there is none."""
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
        with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


if __name__ == "__main__":
    main()
