"""One Redis for all tests of a process that keep a roster in it. They empty it."""

from collections.abc import Iterator

import pytest

from tests.redis_server import RedisServer
from tests.redis_server import redis_server as running_redis


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
