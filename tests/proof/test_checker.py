"""The checker itself: on a real end state all is zero, and each mutation is caught."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.states import Mode, Status
from tests.proof.checker import Evidence, check
from tests.proof.evidence import gather
from tests.support.postgres import Postgres
from tests.support.site import Site
from tests.support.station import Station


@pytest.fixture
async def evidence(
    idle_station: Station, site: Site, postgres: Postgres, database_url: str
) -> Evidence:
    """What one archived, one quick and one failed download leave; in this order."""
    worker = await idle_station.start_worker()
    urls = [site.clip_url(80), site.clip_url(81), site.url("/status/404")]
    modes = [Mode.ARCHIVE, Mode.QUICK, Mode.QUICK]
    ids = [await idle_station.submit(url, mode) for url, mode in zip(urls, modes, strict=True)]
    for one in ids:
        await idle_station.ended(one)
    worker.stop()
    served = [site.md5("/clips/80.mp4"), site.md5("/clips/81.mp4"), ""]
    return await gather(
        postgres,
        database_url,
        idle_station.services.leases,
        accepted=dict(zip(ids, served, strict=True)),
        roots={"node-a": idle_station.root},
    )


def file_of(evidence: Evidence, index: int) -> Path:
    return Path(evidence.rows[index]["file_path"])


def row_changed(evidence: Evidence, index: int, **changes: Any) -> Evidence:  # noqa: ANN401 - JSON
    rows = [dict(row) for row in evidence.rows]
    rows[index] |= changes
    return dataclasses.replace(evidence, rows=rows)


def move_added(evidence: Evidence, index: int, status: Status) -> Evidence:
    """Add a last move of a row, and let the row stand where it led."""
    row = evidence.rows[index]
    move = {
        "history_id": row["history_id"],
        "from_status": row["status"],
        "to_status": int(status),
        "moved_at": row["finished_at"],
    }
    changed = row_changed(evidence, index, status=int(status))
    return dataclasses.replace(changed, moves=[*evidence.moves, move])


def delete_archived(evidence: Evidence) -> Evidence:
    file_of(evidence, 0).unlink()
    return evidence


def delete_quick(evidence: Evidence) -> Evidence:
    file_of(evidence, 1).unlink()
    return evidence


def flip_a_byte(evidence: Evidence) -> Evidence:
    content = bytearray(file_of(evidence, 0).read_bytes())
    content[len(content) // 2] ^= 1
    file_of(evidence, 0).write_bytes(content)
    return evidence


def serve_another(evidence: Evidence) -> Evidence:
    accepted = dict(evidence.accepted)
    accepted[evidence.rows[0]["history_id"]] = "0" * 32
    return dataclasses.replace(evidence, accepted=accepted)


def add_a_file(evidence: Evidence) -> Evidence:
    file_of(evidence, 0).with_name("424242").write_bytes(b"of no row")
    return evidence


def copy_a_file(evidence: Evidence) -> Evidence:
    folder = evidence.roots["node-a"] / "tmp" / "twice"
    folder.mkdir()
    (folder / file_of(evidence, 0).name).write_bytes(file_of(evidence, 0).read_bytes())
    return evidence


def share_a_file(evidence: Evidence) -> Evidence:
    file_of(evidence, 1).unlink()
    file_of(evidence, 1).hardlink_to(file_of(evidence, 0))
    return evidence


def open_to_all(evidence: Evidence) -> Evidence:
    file_of(evidence, 0).chmod(0o644)
    return evidence


def leave_staging(evidence: Evidence) -> Evidence:
    (evidence.roots["node-a"] / ".staging" / "7.1").mkdir()
    return evidence


MUTATIONS: list[tuple[Callable[[Evidence], Evidence], set[str]]] = [
    (delete_archived, {"missing", "wrongly_deleted"}),
    (delete_quick, {"missing"}),
    (flip_a_byte, {"mismatched"}),
    (serve_another, {"mismatched"}),
    (share_a_file, {"mismatched", "mixed", "misdescribed"}),
    (add_a_file, {"unrecorded"}),
    (copy_a_file, {"unrecorded", "doubled"}),
    (leave_staging, {"orphans"}),
    (lambda e: dataclasses.replace(e, processes=("ffmpeg",)), {"orphans"}),
    (lambda e: dataclasses.replace(e, leases=frozenset({1})), {"leaked"}),
    (lambda e: dataclasses.replace(e, accepted={**e.accepted, 99: ""}), {"lost"}),
    (lambda e: row_changed(e, 2, status=int(Status.RUNNING)), {"lost", "illegal"}),
    (
        lambda e: row_changed(e, 0, status=int(Status.FAILED)),
        {"illegal", "unrecorded", "misbooked"},
    ),
    (lambda e: dataclasses.replace(e, booked={}), {"misbooked"}),
    (open_to_all, {"misdescribed"}),
    (lambda e: row_changed(e, 0, file_path="/elsewhere/1"), {"misdescribed"}),
    (lambda e: row_changed(e, 1, file_inode=1), {"misdescribed"}),
    (lambda e: row_changed(e, 0, claim_until=e.rows[0]["finished_at"]), {"held"}),
    (lambda e: dataclasses.replace(e, open_runs=(e.rows[2]["history_id"],)), {"held"}),
    (lambda e: move_added(e, 2, Status.CANCELLED), {"doubled", "illegal"}),
    (lambda e: move_added(e, 1, Status.EXPIRED), {"wrongly_deleted", "unrecorded"}),
    (lambda e: dataclasses.replace(e, moves=e.moves[1:]), {"illegal"}),
]


async def test_a_good_end_is_all_zeros(evidence: Evidence) -> None:
    assert check(evidence).faults == {}


@pytest.mark.parametrize(("mutate", "caught"), MUTATIONS)
def test_a_mutation_is_caught_under_its_name(
    evidence: Evidence, mutate: Callable[[Evidence], Evidence], caught: set[str]
) -> None:
    assert set(check(mutate(evidence)).faults) == caught
