"""How the exchanges of a period went, over HTTP, for operators (/api/figures)."""

from dataclasses import asdict
from typing import Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from server.errors import PeerError
from server.record.query import Bucket, By, Counted, Period
from signaling.admin import Admin
from signaling.queries import Moment, now_ms, read_query

NO_STORE = {"Cache-Control": "no-store"}
WEEK_MS = 7 * 86_400_000
"""How long the period is if the query does not say when it begins."""


class Archive(Protocol):
    """The stored conversations."""

    async def figures(self, period: Period) -> Counted:
        """How the exchanges of the period went. Raises StoreError if the store is not available."""


class FiguresQuery(BaseModel):
    """The query: which exchanges, and how they are put together."""

    model_config = ConfigDict(frozen=True)
    since: Moment | None = None
    until: Moment | None = None
    by: By = ""
    bucket: Bucket = ""

    @property
    def period(self) -> Period:
        """Raises PeerError if it ends before it begins."""
        until_ms = now_ms() if self.until is None else self.until
        since_ms = until_ms - WEEK_MS if self.since is None else self.since
        if until_ms < since_ms:
            raise PeerError("since: must not be later than until.")
        return Period(since_ms, until_ms, self.by, self.bucket)


def add_routes(app: web.Application, archive: Archive, admin: Admin) -> None:
    """Serve /api/figures on `app`."""

    async def figures(request: web.Request) -> web.Response:
        admin.admit(request)
        period = read_query(request, FiguresQuery).period
        counted = await archive.figures(period)
        body = asdict(counted.period) | {"rows": [asdict(row) for row in counted.rows]}
        return web.json_response(body, headers=NO_STORE)

    app.router.add_get("/api/figures", figures)
