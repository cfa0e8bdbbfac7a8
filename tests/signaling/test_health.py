"""Health and metrics over HTTP."""

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.web import starting_application
from signaling import health, metrics
from signaling.health import Health


def client(parts: Health) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    health.add_routes(app, parts)
    metrics.add_routes(app, lambda: b"antiphon_call_live 3\n")
    return TestClient(TestServer(app))


async def test_ready_while_every_needed_part_is_well() -> None:
    """The server is ready although a part fails that is not needed. If a needed part fails, it is not, and says why."""
    parts, wrong = Health(), {"store": "", "model": "It took too long."}
    parts.add("store", lambda: wrong["store"], needed=True)
    parts.add("model", lambda: wrong["model"], needed=False)
    async with client(parts) as http:
        assert (await http.get("/health/ready")).status == 200
        wrong["store"] = "It does not answer."
        answer = await http.get("/health/ready")
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert await answer.json() == {"status": "unavailable", "reason": "It does not answer."}
        assert (await http.get("/health/live")).status == 200


async def test_each_part_with_its_state() -> None:
    """A part that works is "up". A part that fails is "down" if it is needed, and "degraded" if not."""
    parts = Health()
    parts.add("loop", lambda: "", needed=True)
    parts.add("store", lambda: "It does not answer.", needed=True)
    parts.add("model", lambda: "It took too long.", needed=False)
    async with client(parts) as http:
        answer = await http.get("/health")
        assert answer.status == 503
        assert (await answer.json())["parts"] == {
            "loop": {"state": "up", "reason": ""},
            "store": {"state": "down", "reason": "It does not answer."},
            "model": {"state": "degraded", "reason": "It took too long."},
        }


async def test_while_it_starts_the_server_lives_and_is_not_ready() -> None:
    """While the server starts, it is live and not ready. Other requests are refused and told when to come again."""
    async with TestClient(TestServer(starting_application(Health()))) as http:
        assert (await http.get("/health/live")).status == 200
        ready = await http.get("/health/ready")
        assert (ready.status, (await ready.json())["reason"]) == (503, "The server is starting.")
        offer = await http.post("/api/offer", json={})
        assert (offer.status, "Retry-After" in offer.headers) == (503, True)


async def test_metrics_are_prometheus_text() -> None:
    """The metrics are sent unchanged, with the content type that Prometheus expects."""
    async with client(Health()) as http:
        answer = await http.get("/metrics")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert await answer.text() == "antiphon_call_live 3\n"
