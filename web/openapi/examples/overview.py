"""An example of the overview of administrators."""

from datetime import date

from domain.failures import FailureCode
from domain.states import Stage
from web.admin.overview_shapes import (
    DayShown,
    FailuresShown,
    OverviewShown,
    SiteFailuresShown,
    StageShown,
)

_BLOCKED = FailuresShown(code=FailureCode.BLOCKED, number=12)

OVERVIEW = OverviewShown(
    queued=180,
    queued_oldest_s=2.5,
    stages=[StageShown(stage=stage, running=4) for stage in Stage],
    days=[DayShown(day=date(2026, 11, 25), completed=840, failed=12, cancelled=3)],
    failed_codes=[_BLOCKED],
    failed_sites=[SiteFailuresShown(site="video.example", number=12, codes=[_BLOCKED])],
)
