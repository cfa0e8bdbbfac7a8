"""The dashboard and the alerts: they ask for what a server really measures, and Prometheus takes them."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from pydantic_ai.usage import RequestUsage

from server.agent.breakers import Breakers
from server.call import messages
from server.call.line.leg import Leg
from server.call.line.traffic import Traffic
from server.errors import EngineError
from server.media.counters import MediaCounters
from server.media.pacer import Pacer
from server.telemetry.exporter import Exporter
from server.telemetry.media_meters import SAMPLE_TICKS
from server.telemetry.monitor import Monitor
from signaling.health import Health
from tests.started import ROOT
from tests.telemetry.test_monitor import ThreeCalls, Worker
from tests.virtual_time import run_virtual

DASHBOARD = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())
ALERTS = (ROOT / "deploy/alerts.yml").read_text()
ASKED = re.compile(r"\b((?:antiphon|gen_ai)_[a-z_]+)\{|\(((?:antiphon|gen_ai)_[a-z_]+)\[|\b(antiphon_[a-z_]+) ==")
"""A metric in a query: before its labels, its range, or a comparison."""
NAMED_DROPS = re.compile(r'watch_drops\("([a-z.]+)"')


def asked(*queries: str) -> set[str]:
    """The metrics for which queries ask."""
    return {next(filter(None, found)) for query in queries for found in ASKED.findall(query)}


def measured() -> set[str]:
    """The samples on the page of a server in which everything has happened once."""
    found: set[str] = set()

    async def scenario() -> None:
        exporter, pacer = Exporter(), Pacer()
        monitor = Monitor(exporter.meter, pacer, Health())
        others: list[Callable[[int], None]] = [lambda number: None, lambda number: None]
        for other in others:
            pacer.join(other)
        monitor.watch_calls(ThreeCalls())
        monitor.watch_worker(Worker())
        breakers = Breakers()
        breakers.failures["openai:gpt", "quota"] = 6
        monitor.watch_models(breakers)
        for path in (ROOT / "server").glob("*.py"):
            for name in NAMED_DROPS.findall(path.read_text()):
                monitor.watch_drops(name, lambda: {"here": 1})
        for observed in (
            messages.Metrics(reply=2, attempts=3, endpoint_ms=250, first_packet_ms=260),
            messages.Heard(reply=2, gap_ms=320),
            messages.Transcription(utterance=2, text="", final=True),
            messages.Response(reply=2, text="", final=True, interrupted=True),
            EngineError("model", "It is silent."),
        ):
            monitor.calls.observe(observed)
        monitor.runs.asked("openai:gpt", 1.0, 0.5, RequestUsage(input_tokens=9, output_tokens=9), failed=False)
        monitor.runs.ran("book", 1.0, "failed")
        with monitor.watch("speech-to-text").waiting() as answered:
            answered()
        monitor.media.watch("webrtc", traffic := Traffic())
        for live in (Leg(None, lambda leg: None), Leg(None, lambda leg: None)):  # type: ignore[arg-type]
            traffic.begin(live, MediaCounters(reports=1, round_trip_ms=20.0))
        traffic.end(live)
        for number in range(SAMPLE_TICKS + 1):
            monitor.tick(number)
        found.update(
            line.split("{")[0].split(" ")[0]
            for line in exporter.text().decode().splitlines()
            if not line.startswith("#")
        )
        for other in others:
            pacer.leave(other)
        exporter.close()

    run_virtual(scenario())
    return found


def queries() -> list[tuple[str, str]]:
    """The panels of the dashboard, each with a query of it."""
    return [(panel["title"], each["expr"]) for panel in DASHBOARD["panels"] for each in panel.get("targets", ())]


def test_the_dashboard_asks_for_what_is_measured() -> None:
    """Each query has a metric, and each metric of a query is on the page of metrics."""
    page = measured()
    assert [title for title, query in queries() if not asked(query)] == []
    assert asked(*(query for _, query in queries())) - page == set()


def test_the_alerts_ask_for_what_is_measured() -> None:
    """Likewise. Only `up` is Prometheus's own."""
    rules = re.split(r"- alert: ", ALERTS)[1:]
    assert len(rules) == 10
    assert [rule.split()[0] for rule in rules if not asked(rule) and "up{" not in rule] == []
    assert asked(ALERTS) - measured() == set()


def test_no_panel_covers_another() -> None:
    """Each has a place of its own, and an id of its own."""
    places: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        at: dict[str, Any] = panel["gridPos"]
        for place in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            assert places.setdefault(place, panel["title"]) == panel["title"]
            assert place[0] < 24
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_the_documents_say_what_to_do() -> None:
    """docs/operations.md has a row for each alert."""
    page = (ROOT / "docs/operations.md").read_text()
    assert [name for name in re.findall(r"- alert: (\w+)", ALERTS) if f"| `{name}` |" not in page] == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("what", [("check", "deploy/alerts.yml"), ("test", "tests/deploy/alerts.test.yml")])
def test_prometheus_takes_the_alerts(what: tuple[str, str]) -> None:
    """promtool reads the rules, and each goes off when it should and not otherwise."""
    verb, path = what
    done = subprocess.run(["promtool", verb, "rules", path], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
