"""The client of the Redis that a URL names: one server, the primary that sentinels name, or a cluster.

All of them find the new primary by themselves after a failover. Until then, which is seconds, operations fail.
"""

from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisClusterException, RedisError

from server.errors import ConfigError

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
"""`rediss` is TLS."""
FAILURES = (RedisError, RedisClusterException, OSError)
"""What an operation raises when Redis cannot do it. TimeoutError is an OSError."""
SENTINEL_PORT = 26379
OPERATION_S = 2.0
"""How long an operation may take. Redis answers in under a millisecond; a server that takes seconds hangs."""
SENTINEL_SHARE, NODE_SHARE = 1 / 4, 1 / 3
"""How much of an operation's time a sentinel or a node of a cluster may take to answer. Then the next sentinel is
asked, or the cluster is asked where the keys are now: both fit into the same operation."""
ONCE_MORE = Retry(NoBackoff(), 1)
"""An idle connection may have died."""


def is_redis(url: str) -> bool:
    """Whether `url` names a Redis, and not a file."""
    return url.partition("://")[0] in SCHEMES and "://" in url


def key_prefix(url: str, prefix: str) -> str:
    """With what all keys begin: in a cluster `{prefix}`. It keeps keys with the same text in braces on the same node,
    and a script needs all its keys on one node."""
    return f"{{{prefix}}}" if _kind(url) == "cluster" else prefix


def redis_client(url: str, limit_s: float = OPERATION_S) -> Redis:
    """The client of the Redis at `url`, which connects when it is first used. Close it with `aclose`. Who uses it
    limits each operation to `limit_s`.

    redis://host:6379/0, rediss:// or unix://: one server. Also one that fails over behind a name or an address.
    redis+sentinel://user:password@sentinel1:26379,sentinel2:26379/service/0: the primary of the service. The name and
    the password are those of Redis; those of the sentinels are `?sentinel_username=` and `&sentinel_password=`.
    redis+cluster://user:password@node1:6379,node2:6379: the cluster to which these nodes belong.

    Raises ConfigError when `url` is not valid.
    """
    try:
        if _kind(url) == "sentinel":
            return _behind_sentinels(urlsplit(url), limit_s * SENTINEL_SHARE)
        if _kind(url) == "cluster":
            return _in_cluster(urlsplit(url), limit_s * NODE_SHARE)
        return Redis.from_url(url, **_OPTIONS)
    except (ValueError, *FAILURES) as exc:
        raise ConfigError(f"ANTIPHON_STORE: {exc}") from exc


_OPTIONS: dict[str, Any] = {
    "decode_responses": True,
    "encoding_errors": "replace",  # one value that is no text must not make all others unreadable
    "socket_timeout": None,  # the user of the client limits whole operations
    "socket_connect_timeout": None,
    "retry": ONCE_MORE,
    "retry_on_error": [ReadOnlyError],  # the server has become a replica: connect again, the name may lead elsewhere
}


class _PrimaryPool(SentinelConnectionPool):
    """Connections to the present primary, and to the sentinels, which the library would leave open."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def _behind_sentinels(url: SplitResult, wait_s: float) -> Redis:
    service, _, db = url.path.strip("/").partition("/")
    if not service:
        raise ValueError("the path of a redis+sentinel:// address names the service, such as /mymaster")
    if db and not db.isdecimal():
        raise ValueError("what follows the service in a redis+sentinel:// address is the number of a database")
    nodes = [_node(url, address, SENTINEL_PORT) for address in _addresses(url)]
    options = nodes[0][1] | {"db": int(db or 0)}
    own = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}
    limits = {"socket_timeout": wait_s, "socket_connect_timeout": wait_s, "retry": Retry(NoBackoff(), 0)}
    sentinels = Sentinel([node for node, _ in nodes], sentinel_kwargs=own | tls | limits)  # type: ignore[no-untyped-call]
    return cast(Redis, sentinels.master_for(service, connection_pool_class=_PrimaryPool, **_OPTIONS | options))


def _in_cluster(url: SplitResult, wait_s: float) -> Redis:
    """Typed as a Redis, because it has all commands that are used here."""
    nodes = [_node(url, address, 6379) for address in _addresses(url)]
    limits = {"socket_timeout": wait_s, "socket_connect_timeout": wait_s}
    texts = {"decode_responses": True, "encoding_errors": _OPTIONS["encoding_errors"]}
    options: dict[str, Any] = texts | {"retry": ONCE_MORE} | limits | nodes[0][1]
    cluster = RedisCluster(startup_nodes=[ClusterNode(host, port) for (host, port), _ in nodes], **options)
    return cast(Redis, cluster)


def _kind(url: str) -> str:
    return url.partition("://")[0].partition("+")[2]


def _addresses(url: SplitResult) -> list[str]:
    return url.netloc.rpartition("@")[2].split(",")


def _node(url: SplitResult, address: str, port: int) -> tuple[tuple[str, int], dict[str, Any]]:
    """The host and port at `address`, and the options in the rest of the URL."""
    name, at, _ = url.netloc.rpartition("@")
    options: dict[str, Any] = dict(parse_url(f"redis://{name}{at}{address}?{url.query}"))
    host = options.pop("host", "")
    if not host:
        raise ValueError("an address of a Redis has no host")
    if url.scheme.startswith("rediss"):
        options["ssl"] = True
    return (host, options.pop("port", port)), options
