"""Gathers the evidence of a run from the real database, disks and Redis."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from storage.leases import Leases
from tests.proof.checker import Evidence, Row
from tests.support.postgres import Postgres

_ROWS = "SELECT * FROM download_history ORDER BY history_id"
_MOVES = "SELECT * FROM transitions ORDER BY transition_id"
_BOOKED = "SELECT user_id, sum(bytes) AS bytes FROM archive_changes GROUP BY user_id"

_OPEN = "SELECT DISTINCT history_id FROM stage_runs WHERE ended_at IS NULL"


async def gather(
    postgres: Postgres,
    database_url: str,
    leases: Leases,
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

    return Evidence(
        accepted=accepted,
        rows=ask(_ROWS),
        moves=ask(_MOVES),
        booked={row["user_id"]: row["bytes"] for row in ask(_BOOKED)},
        roots=roots,
        leases=frozenset(await leases.held()),
        processes=processes,
        open_runs=tuple(row["history_id"] for row in ask(_OPEN)),
    )
