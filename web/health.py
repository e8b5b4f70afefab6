"""Health: whether this process lives, and whether what it needs answers."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from quart import Blueprint, Response

from domain.failures import FailureCode
from storage.db import DatabaseError
from storage.files import RootMissingError
from storage.redis_door import RedisFault
from web.front import front
from web.metrics.side_door import is_inside
from web.openapi.operations import Operation, operation
from web.problems import ProblemError
from web.shapes import HealthShown
from web.views import answer

PATIENCE_S = 2

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@operation(Operation(tag="health", answers={200: HealthShown}, is_public=True, needs_records=False))
async def alive() -> Response:
    """Return 200 as long as this process answers at all; it looks at nothing else."""
    return answer(HealthShown())


@blueprint.get("/readyz")
@operation(
    Operation(
        tag="health",
        answers={200: HealthShown},
        problems=(503,),
        is_public=True,
        needs_records=False,
    )
)
async def ready() -> Response:
    """Return 200 if database, Redis and disk take what is written, else 503 with what does not."""
    checks = {"database": _database, "redis": _redis, "disk": _disk}
    words = await asyncio.gather(*(_ask(check) for check in checks.values()))
    parts = dict(zip(checks, words, strict=True)) if is_inside() else {}
    if any(word != "ok" for word in words):
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            FailureCode.UNAVAILABLE,
            "A part that this server needs does not work.",
            more={"parts": parts} if parts else None,
        )
    return answer(HealthShown(parts=parts))


async def _ask(check: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await check()
    except (DatabaseError, RootMissingError, TimeoutError, *RedisFault):
        return "away"


async def _database() -> str:
    await front().services.db.one("server_takes_writes")
    return "ok"


async def _redis() -> str:
    await front().services.redis.ping()  # pyright: ignore - typed for both clients
    return "ok"


async def _disk() -> str:
    files = front().services.files
    await asyncio.to_thread(files.check_root)
    usage = await asyncio.to_thread(files.usage)
    return "full" if usage.used_ratio >= front().settings.storage.stop_ratio else "ok"
