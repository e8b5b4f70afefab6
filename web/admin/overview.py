"""The overview of administrators: counted by what happens, never by looking through the rows."""

from collections.abc import Iterable
from itertools import groupby

from quart import Blueprint, Response

from domain.states import Stage
from storage.db import Row
from web.accounts.callers import admin
from web.admin.overview_shapes import (
    DayShown,
    FailuresShown,
    OverviewShown,
    SiteFailuresShown,
    StageShown,
)
from web.front import front
from web.openapi.operations import Operation, operation
from web.views import answer

MAX_SITES = 20

blueprint = Blueprint("admin_overview", __name__, url_prefix="/admin")


@blueprint.get("/overview")
@operation(Operation(tag="administration", answers={200: OverviewShown}, problems=(403,)))
async def overview() -> Response:
    """Return what waits and runs, how the last days went, and which sites fail."""
    await admin()
    services = front().services
    queued, oldest_s = await services.due.waiting()
    active = await services.due.active()
    return answer(
        OverviewShown(
            queued=queued,
            queued_oldest_s=oldest_s,
            stages=[StageShown(stage=stage, running=_running(active, stage)) for stage in Stage],
            days=[DayShown(**row) for row in await services.ends.by_day()],
            failed_codes=[FailuresShown(**row) for row in await services.ends.failed_by_code()],
            failed_sites=list(_sites(await services.ends.failed_by_site(MAX_SITES))),
        )
    )


def _running(active: Iterable[Row], stage: Stage) -> int:
    return sum(row["number"] for row in active if row["stage"] == stage)


def _sites(rows: Iterable[Row]) -> Iterable[SiteFailuresShown]:
    for site, of_site in groupby(rows, key=lambda row: str(row["site"])):
        codes = [FailuresShown(code=row["code"], number=row["number"]) for row in of_site]
        yield SiteFailuresShown(site=site, number=sum(one.number for one in codes), codes=codes)
