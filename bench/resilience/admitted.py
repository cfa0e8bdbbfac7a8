"""What callers who were let in, and attack, cost the other calls. `bench.resilience.strangers --admitted` runs it.

One server admits callers by token. For each attack, four good WebRTC callers ask their questions: before it, beside the
attackers, who have a token of their own, and after it, while the server has its rest. The server has core 0, and the
clients and the provider core 1.
Three things count: how much longer the gap and the packets' lateness are, whether the server stays ready for others,
and how much memory it has not given back after a rest.
"""

import argparse
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from subprocess import Popen

import jwt

from bench.capacity.table import CALLER_LATE_MS
from bench.common.figures import known, quantile, show
from bench.common.processes import usage
from bench.common.servers import OTHER_CORE, expect_line, providing, running, serving

ATTACKS = {
    "nothing": "messages", "fragments": "media", "gaps": "media", "streams": "media", "reports": "media",
    "records": "media", "ssrcs": "media", "alternating": "media", "stun": "media",
    "typed": "messages", "moves": "messages", "resumes": "messages", "empty": "messages", "pings": "messages",
    "tiny": "messages", "pieces": "messages", "chatter": "messages",
}  # fmt: skip
"""Each attack, and the program that makes it: `bench.resilience.admitted_media` or `admitted_messages`."""
GOOD_CALLS = 4
ATTACKERS = 2
"""How many programs attack at the same time, each as a caller of its own."""
CLAUSE_S = 0.8
TOKEN_S = 7_200
READY_EVERY_S = 1.0
SETTLE_S = 10.0
"""How long after the first good calls the server's memory is looked at, before the first attack."""


@dataclass(frozen=True, slots=True)
class Period:
    """Four good calls for a while. Times are in ms, the server's CPU in percent of its core."""

    gap_p50: float | None
    gap_p95: float | None
    gaps: int
    unanswered: int
    late_p50: float
    late_p99: float
    late_max: float
    cpu: float
    caller_late_p99: float
    """How late the good callers' own process was. If it is more than CALLER_LATE_MS, the period does not count."""
    not_ready: int
    """How often in this time, asked once a second, the server was not ready for another call."""

    @property
    def valid(self) -> bool:
        return self.caller_late_p99 <= CALLER_LATE_MS


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack."""

    attack: str
    before: Period
    beside: Period
    after: Period
    memory_before_mb: float
    memory_after_mb: float
    """Once the attack is over and the server has had its rest."""
    sent: list[object]
    """What each attacker says it has sent."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test, which admits callers whose tokens are made with `secret`."""

    url: str
    pid: int
    secret: str

    def token(self, name: str) -> str:
        """A token for the caller of that name."""
        claims = {"sub": name, "exp": int(time.time()) + TOKEN_S, "max_calls": GOOD_CALLS}
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def ready(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/health/ready", timeout=2).close()
        except (OSError, urllib.error.HTTPError):
            return False
        return True

    @property
    def memory_mb(self) -> float:
        return usage(self.pid).memory_mb


@contextmanager
def admitting(provider: str) -> Iterator[Server]:
    """A server that refuses calls as a server in use does: the limits that the bench turns off elsewhere are on."""
    secret = secrets.token_hex(32)
    limits = {
        "ANTIPHON_ACCESS": "token",
        "ANTIPHON_ACCESS_SECRET": secret,
        "ANTIPHON_MAX_CALLS": "24",
        "ANTIPHON_ADMISSION_LAG_MS": "40",
        "ANTIPHON_ADMISSION_WAIT_MS": "2000",
        "ANTIPHON_IDLE_PROMPT_S": "12",
    }
    with serving("antiphon", provider, **limits) as (url, pid):
        yield Server(url, pid, secret)


def measure(server: Server, seconds: float) -> Period:
    """Let the good callers talk for `seconds`."""
    good = ["-m", "bench.capacity.crowd", server.url, "--calls", str(GOOD_CALLS), "--seconds", str(seconds)]
    with running(OTHER_CORE, *good, "--token", server.token("a good caller")) as crowd:
        assert crowd.stdout is not None
        expect_line(crowd.stdout.readline(), "begun")
        before_s, not_ready = usage(server.pid).cpu_s, 0
        for _ in range(int(seconds / READY_EVERY_S) - 1):
            not_ready += not server.ready()
            time.sleep(READY_EVERY_S)
        expect_line(crowd.stdout.readline(), "done")
        cpu_s = usage(server.pid).cpu_s - before_s
        found = json.loads(crowd.stdout.readline())
    gaps, late, own_late = (sorted(known(found[name])) for name in ("gaps_ms", "lateness_ms", "caller_late_ms"))
    return Period(
        gap_p50=round(quantile(gaps, 0.5), 1) if gaps else None,
        gap_p95=round(quantile(gaps, 0.95), 1) if gaps else None,
        gaps=len(gaps),
        unanswered=found["gaps_ms"].count(None),
        late_p50=round(quantile(late, 0.5), 2),
        late_p99=round(quantile(late, 0.99), 2),
        late_max=round(late[-1], 2),
        cpu=round(100 * cpu_s / seconds, 1),
        caller_late_p99=round(quantile(own_late, 0.99), 2),
        not_ready=not_ready,
    )


def attack(server: Server, name: str, before: Period, given: argparse.Namespace) -> Outcome:
    """Measure the good calls beside the attackers and after them, and then how much memory is left.

    `before` are the good calls before the attack.
    """
    before_mb = server.memory_mb
    # The good callers connect and are greeted before they are measured, so the attack has to last a little longer.
    program = ["-m", f"bench.resilience.admitted_{ATTACKS[name]}", server.url, "--attack", name]
    program += ["--seconds", str(given.seconds + 10)]
    with ExitStack() as stack:
        tokens = [server.token(f"attacker {number}") for number in range(given.attackers)]
        attackers = [stack.enter_context(running(OTHER_CORE, *program, "--token", token)) for token in tokens]
        beside = measure(server, given.seconds)
        sent = [_last_line(each) for each in attackers]
    over = time.monotonic()
    after = measure(server, given.seconds)
    time.sleep(max(given.rest - (time.monotonic() - over), 0))
    return Outcome(name, before, beside, after, round(before_mb, 1), round(server.memory_mb, 1), sent)


def _last_line(attacker: Popen[str]) -> object:
    assert attacker.stdout is not None
    lines = attacker.stdout.read().splitlines()
    return json.loads(lines[-1]) if lines else None


def alone(outcome: Outcome, figure: str) -> float | None:
    """`figure` without attackers: the mean of before and after."""
    before, after = getattr(outcome.before, figure), getattr(outcome.after, figure)
    return round((before + after) / 2, 2) if before and after else None


def ratio(outcome: Outcome, figure: str) -> float | None:
    """`figure` beside the attackers, divided by that alone. None where one of the periods does not count."""
    usual, beside = alone(outcome, figure), getattr(outcome.beside, figure)
    valid = outcome.before.valid and outcome.beside.valid and outcome.after.valid
    return round(beside / usual, 2) if valid and usual and beside else None


def report(outcomes: Sequence[Outcome]) -> None:
    """Show the outcomes as a table."""
    header = ("", "gap p95 alone", "beside", "ratio", "late p99 alone", "beside", "ratio", "late max", "CPU %")
    header += ("not ready", "MB kept", "unanswered")
    show("Good calls beside callers who attack, in ms", header, map(_row, outcomes))


def _row(found: Outcome) -> tuple[object, ...]:
    beside = found.beside
    return (
        found.attack, alone(found, "gap_p95"), beside.gap_p95, str(ratio(found, "gap_p95")),
        str(alone(found, "late_p99")), str(beside.late_p99), str(ratio(found, "late_p99")), beside.late_max,
        f"{alone(found, 'cpu'):.0f} → {beside.cpu:.0f}", beside.not_ready,
        found.memory_after_mb - found.memory_before_mb, beside.unanswered,
    )  # fmt: skip


def main(given: argparse.Namespace) -> None:
    """Run the attacks that `given.attacks` names. A table goes to standard error, JSON to standard output."""
    outcomes: list[Outcome] = []
    with providing(CLAUSE_S) as provider, admitting(provider) as server:
        measure(server, 5)  # the first calls load what later calls share
        before = measure(server, given.seconds)
        time.sleep(SETTLE_S)
        for name in given.attacks:
            outcomes.append(attack(server, name, before, given))
            before = outcomes[-1].after
            print(*_row(outcomes[-1]), outcomes[-1].sent, file=sys.stderr)
    report(outcomes)
    print(json.dumps([asdict(each) for each in outcomes]))
