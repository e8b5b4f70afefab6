"""Gathers the evidence of a run from the real database, disks and Redis."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import Redis

from storage.leases import Leases
from tests.proof.checker import Evidence, Row
from tests.support.postgres import Postgres

_ROWS = "SELECT * FROM download_history ORDER BY history_id"
_MOVES = "SELECT * FROM transitions ORDER BY transition_id"
# The limits are of no account here: what is used is the same for any.
_BOOKS = (
    "SELECT u.user_id, q.day::text AS day, coalesce(q.begun, 0) AS begun,"
    " b.archive_used, b.archive_reserved, b.active_used"
    " FROM users u LEFT JOIN quotas q USING (user_id)"
    " CROSS JOIN LATERAL quota_books(u.user_id, 0, 0, 0) b"
)

_OPEN = "SELECT DISTINCT history_id FROM stage_runs WHERE ended_at IS NULL"


async def gather(
    postgres: Postgres,
    database_url: str,
    redis: Redis,
    *,
    accepted: Mapping[int, str],
    roots: Mapping[str, Path],
    processes: tuple[str, ...] = (),
) -> Evidence:
    """Return what a run has left; it must have come to rest."""

    def ask(sql: str) -> list[Row]:
        text = postgres.run_sql(
            f"SELECT coalesce(json_agg(t), '[]') FROM ({sql}) t",
            urlsplit(database_url).path[1:],
        )
        rows: list[Row] = json.loads(text)
        return rows

    keys: AsyncIterator[str] = redis.scan_iter("vasset:slots:*")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - redis-py
    return Evidence(
        accepted=accepted,
        rows=ask(_ROWS),
        moves=ask(_MOVES),
        books=ask(_BOOKS),
        roots=roots,
        leases=frozenset(await Leases(redis).held()),
        processes=processes,
        open_runs=tuple(row["history_id"] for row in ask(_OPEN)),
        slots=tuple([key async for key in keys]),
    )
