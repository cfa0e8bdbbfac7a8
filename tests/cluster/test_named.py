"""Which call a request is about."""

from typing import Any

import pytest

from server.cluster.named import Named, has_body, named
from signaling.rtvi.session_id import write_session_id

RESUMED = {"session_id": "w1-s", "resume": "token"}


@pytest.mark.parametrize(
    ("method", "target", "found"),
    [
        ("GET", "/api/voice/conversation/w1-s", Named("w1-s", resumes=True)),
        ("GET", "/agents/shop/api/voice/conversation/w1-s", Named("w1-s", resumes=True)),
        ("GET", "/api/voice/conversation/new", None),
        ("DELETE", "/whip/w1-p", Named("w1-p")),
        ("PATCH", "/agents/shop/whip/w1-p", Named("w1-p")),
        ("POST", "/whip", None),
        ("POST", "/whep/w1-s", Named("w1-s")),
        ("PATCH", "/whep/w1-s/w1-l", Named("w1-s")),
        ("GET", "/api/calls", None),
        ("GET", "/api/calls/w1-s/events", Named("w1-s")),
        ("POST", "/v1/realtime/calls", None),
        ("POST", "/v1/realtime/calls/rtc_w1-p/hangup", Named("rtc_w1-p")),
        ("POST", "/v1/live/sessions/rtc_w1-p/hangup", Named("rtc_w1-p")),
        ("POST", "/v1/realtime/client_secrets", None),
        ("GET", "/api/conversations/w1-s", None),
        ("GET", "/", None),
    ],
)
def test_the_path_names_a_call(method: str, target: str, found: Named | None) -> None:
    assert named(method, target, {}) == found


@pytest.mark.parametrize(
    ("method", "path", "query", "found"),
    [
        ("DELETE", "/api/offer", {"pc_id": "w1-p"}, Named("w1-p")),
        ("DELETE", "/api/offer", {}, None),
        ("GET", "/v1/realtime", {"call_id": "rtc_w1-p"}, Named("rtc_w1-p")),
        ("GET", "/v1/realtime", {"model": "shop"}, None),
        ("GET", "/v1/realtime", RESUMED, Named("w1-s", resumes=True)),
        ("GET", "/v1/live/sessions", RESUMED, Named("w1-s", resumes=True)),
        ("GET", "/v1/live/sessions", {"session_id": "w1-s"}, None),
        ("GET", "/rtvi/new", {"token": "w1-s.token"}, Named("w1-s", resumes=True)),
        ("GET", "/rtvi", {}, None),
        ("POST", "/telephony/twilio/voice", {"again": "w1-line", "language": "de"}, Named("w1-line")),
        ("POST", "/agents/shop/telephony/twilio/voice", {"again": "w1-line"}, Named("w1-line")),
        ("POST", "/telephony/twilio/voice", {}, None),
        ("GET", "/agents/shop/api/ice-servers", {"session_id": "w1-s"}, Named("w1-s")),
        ("GET", "/api/ice-servers", {}, None),
    ],
)
def test_the_query_names_a_call(method: str, path: str, query: dict[str, str], found: Named | None) -> None:
    assert named(method, path, query) == found


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("/api/offer", {"sdp": "…"}, None),
        ("/api/offer", {"pc_id": "w1-p"}, Named("w1-p")),
        ("/agents/shop/api/offer", {"pc_id": "w1-p"}, Named("w1-p")),
        ("/api/offer", {"requestData": RESUMED}, Named("w1-s", resumes=True)),
        ("/api/offer", {"pc_id": "w1-p", "requestData": RESUMED}, Named("w1-s", resumes=True)),
        ("/api/offer", {"requestData": {"session_id": "w1-s"}}, None),
        (f"/sessions/{write_session_id(RESUMED)}/api/offer", {}, Named("w1-s", resumes=True)),
        ("/sessions/none-of-ours/api/offer", {"pc_id": "w1-p"}, Named("w1-p")),
        ("/api/offer", {"pc_id": 7, "requestData": "x"}, None),
        ("/api/offer", [1], None),
        ("/start", {"transport": "webrtc", "body": RESUMED}, Named("w1-s")),
        ("/agents/shop/connect", {"body": RESUMED}, Named("w1-s")),
        ("/start", {"body": {"language": "de"}}, None),
        ("/start", {"body": 7}, None),
    ],
)
def test_the_body_names_a_call(path: str, body: Any, found: Named | None) -> None:
    """A conversation that is resumed is where its session is, whatever connection it had."""
    assert has_body("POST", path)
    assert named("POST", path, {}, body) == found


def test_other_bodies_are_not_read() -> None:
    assert not has_body("DELETE", "/api/offer")
    assert not has_body("POST", "/whip")
