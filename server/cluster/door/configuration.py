"""The configuration of HAProxy: one address for callers, perhaps another one for operators, and no workers yet. Pure.

The workers come and go through the runtime socket, so the configuration never changes while HAProxy runs. Which worker
gets a request, `placing.lua` decides.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from signaling.addresses import PASSED_ON, TRIED_AGAIN

WORKERS = "workers"
"""The backend that has the workers' addresses for callers."""
FOR_OPERATORS = "for_operators"
"""The backend that has their addresses for operators."""
LARGEST_BODY_BYTES = 128 * 1024
"""Twice as much as a worker itself takes, so that its own sentence answers most bodies that are too large."""
LARGEST_HEADERS_BYTES = 16 * 1024
BUFFER_BYTES = 96 * 1024
"""The largest body that a worker takes, and headers. A request has to fit into a buffer so that it can be sent to a
second worker, and so that the ids in its body can be read. Idle connections and WebSockets have no buffers."""
PATIENCE_MS = 10_000
"""How long a client may take to send its headers, and how long the body of an offer. Most take milliseconds."""
ANSWER_S = 30
"""How long a worker may take to begin its answer. It gives up what takes longer itself (`server.cluster.passing`)."""
RINGING_S = 150
"""How long the answer to a call of an operator's may take: a phone may ring for two minutes (`signaling.ringing`)."""
RETRY_AFTER_S = 5

OPERATORS = (
    *("metrics", "health", "whep", "console"),
    *("api/calls", "api/conversations", "api/figures", "api/tokens", "api/cluster"),
)
"""What the paths begin with that are for operators: those in deploy/Caddyfile."""

_CODES = {
    400: ("bad_request", "The request is no valid HTTP."),
    408: ("request_timeout", "The request did not come in time."),
    500: ("internal", "Something went wrong in the server."),
    502: ("bad_gateway", "The server that has the call gave no valid answer."),
    503: ("at_capacity", "No server is there for this. Please call again in a moment."),
    504: ("gateway_timeout", "The server that has the call did not answer in time."),
}
"""The failures that HAProxy itself answers, as `{"error": {code, message}}`."""
_BUSY = "All servers are busy. Please call again in a moment."


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Where the door is, and what it trusts."""

    host: str = "127.0.0.1"
    port: int = 8080
    operations_host: str = "127.0.0.1"
    operations_port: int = 0
    """Where operators come. 0: the address for callers has everything, which is meant for a machine of one's own."""
    certificate: str = ""
    """A file with a certificate, its chain and its key in the form PEM. Empty: no TLS."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies in front of the door, whose X-Forwarded-For is kept."""
    most_connections: int = 20_000
    """How many connections of clients there may be. One takes two file descriptors, and about 20 KB of memory."""
    threads: int = 1
    """How many cores HAProxy may use. docs/performance.md says how much one carries."""


def configuration(settings: DoorSettings, runtime_socket: str, script: str, exporter: bool = True) -> str:
    """The text for HAProxy. `script` is the path of placing.lua. `exporter`: HAProxy can give its own metrics.

    Raises ValueError if a path cannot be in it.
    """
    parts = [_global(settings, runtime_socket, script), _defaults(), _errors(), _public(settings)]
    if settings.operations_port:
        parts += [_operations(settings, exporter), _backend(FOR_OPERATORS, "conn-failure")]
    parts.append(_backend(WORKERS, "conn-failure 503"))
    return "\n".join(parts)


def _global(settings: DoorSettings, runtime_socket: str, script: str) -> str:
    return f"""global
    stats socket {quoted(runtime_socket)} mode 600 level admin
    stats timeout 10s
    maxconn {settings.most_connections}
    no strict-limits
    noreuseport  # a second door at the same address has to fail
    nbthread {settings.threads}
    tune.bufsize {BUFFER_BYTES}
    ssl-default-bind-options ssl-min-ver TLSv1.2
    lua-load {quoted(script)}
"""


def _defaults() -> str:
    return f"""defaults
    mode http
    timeout connect 2s
    timeout http-request {PATIENCE_MS}ms
    timeout http-keep-alive 15s
    timeout client 60s
    timeout client-fin 10s
    timeout server {ANSWER_S}s
    # The longest pause in a WebSocket, not the longest call: workers ping each one every second, those of phones and of
    # who watches a call every 20 s, and the clients answer.
    timeout tunnel 60s
    timeout queue 5s
    timeout check 2s
    option http-no-delay
    option dontlognull
"""


def _errors() -> str:
    lines = [f"    http-error status {status} {_json(*about)}" for status, about in _CODES.items()]
    return "\n".join(lines) + "\n"


def _json(code: str, message: str) -> str:
    """An answer in our form, as arguments of `http-error` and `http-request return`."""
    body = json.dumps({"error": {"code": code, "message": message}})
    later = f" hdr Retry-After {RETRY_AFTER_S}" if code == "at_capacity" else ""
    return f'content-type "application/json; charset=utf-8" string {quoted(body)}{later}'


def _refusal(status: int, code: str, message: str, when: str) -> str:
    return f"    http-request return status {status} {_json(code, message)} if {when}"


def _public(settings: DoorSettings) -> str:
    tls = f" ssl crt {quoted(settings.certificate)} alpn http/1.1" if settings.certificate else ""
    lines = ["frontend public", f"    bind {_address(settings.host, settings.port)}{tls}", *_limits()]
    if settings.operations_port:
        # A worker decodes %xx in a path, so it is decoded here, too.
        paths = "|".join(OPERATORS)
        lines.append(f"    acl for_operators path,url_dec -m reg ^/+({paths})(/|$)")
        lines.append(_refusal(404, "not_found", "Not Found.", "for_operators"))
    lines += [*_origin(settings), f"    default_backend {WORKERS}"]
    return "\n".join(lines) + "\n"


def _operations(settings: DoorSettings, exporter: bool) -> str:
    lines = ["frontend operations", f"    bind {_address(settings.operations_host, settings.operations_port)}"]
    lines += _limits()
    if exporter:
        lines.append("    http-request use-service prometheus-exporter if { path /door/metrics }")
    lines.append(f'    http-request return status 200 content-type application/json string {quoted(_READY)} '
                 f"if {{ path /door/health }} {{ nbsrv({WORKERS}) gt 0 }}")  # fmt: skip
    lines.append(_refusal(503, "at_capacity", _BUSY, "{ path /door/health }"))
    lines += [*_origin(settings), f"    default_backend {FOR_OPERATORS}"]
    return "\n".join(lines) + "\n"


_READY = json.dumps({"status": "ready"})


def _limits() -> Iterator[str]:
    large = f"{{ req.hdrs,length gt {LARGEST_HEADERS_BYTES} }}"
    yield _refusal(431, "request_header_fields_too_large", "The headers are too large.", large)
    large = f"{{ req.body_size gt {LARGEST_BODY_BYTES} }}"
    yield _refusal(413, "too_large", "The body is too large.", large)


def _origin(settings: DoorSettings) -> Iterator[str]:
    """Say who the client is, in place of what it has written itself."""
    unless = ""
    if settings.trusted_proxies:
        yield f"    acl from_proxy src {' '.join(settings.trusted_proxies)}"
        unless = " unless from_proxy"
    for header in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"):
        yield f"    http-request del-header {header}{unless}"
    yield f"    http-request del-header {PASSED_ON}"  # only workers write it, and they do not come by the door
    yield f"    http-request del-header {TRIED_AGAIN}"
    yield "    http-request del-header Forwarded"
    yield "    http-request del-header X-Real-IP"
    yield "    http-request set-var(txn.client) src"
    if settings.trusted_proxies:
        yield "    http-request set-var(txn.client) req.hdr(X-Forwarded-For,-1) if from_proxy"
    scheme = "https" if settings.certificate else "http"
    yield f"    http-request set-header X-Forwarded-Proto {scheme}{unless}"
    yield "    option forwardfor"


def _backend(name: str, retried: str) -> str:
    """A backend, without servers. `retried`: after what a request is sent to another worker, and then to a third.

    A worker that takes no connection, or answers 503, has begun nothing.
    """
    return f"""backend {name}
    http-reuse always  # a new connection to a worker costs half a millisecond, an idle one less
    balance roundrobin  # for second tries; for the first one placing.lua has chosen a worker
    option httpchk GET /health/live
    http-check expect rstatus ^[1-5]  # any answer is a sign of life; whether it is ready, a worker announces itself
    retries 2
    option redispatch 1
    retry-on {retried}
    http-request set-timeout server {RINGING_S}s if METH_POST {{ path /api/calls }}
    acl offer path_end /api/offer
    http-request wait-for-body time {PATIENCE_MS}ms if offer {{ method POST PATCH }}
    http-request set-var(txn.pc_id) req.body,json_query('$.pc_id') if offer
    http-request set-var(txn.session_id) req.body,json_query('$.requestData.session_id') if offer
    http-request lua.choose
{_refusal(503, "at_capacity", _BUSY, "{ var(txn.refused) -m str busy }")}
{_refusal(503, *_CODES[503], "{ var(txn.refused) -m found }")}
    http-request disable-l7-retry unless {{ var(txn.begins) -m found }}
    http-request set-header {TRIED_AGAIN} yes if {{ var(txn.begins) -m found }}
    use-server %[var(txn.worker)] if {{ var(txn.worker) -m found }}
"""


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def quoted(text: str) -> str:
    """`text` as one word of a configuration. Raises ValueError if no word can have it."""
    if "'" in text or "\n" in text or "\0" in text:
        raise ValueError(f"{text!r} cannot be in the configuration of HAProxy")
    return f"'{text}'"
