"""The checker itself: on a real end state all is zero, and each mutation is caught."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.states import Mode, Status
from storage.slots import SlotLimits, Slots, Stream
from storage.strays import QUARANTINE
from tests.proof.checker import Evidence, check
from tests.proof.evidence import gather
from tests.support.postgres import Postgres
from tests.support.site import Site
from tests.support.station import Station

Gather = Callable[[Mapping[int, str]], Awaitable[Evidence]]


@pytest.fixture
def gather_here(idle_station: Station, postgres: Postgres, database_url: str) -> Gather:
    """Gathers the evidence of the station, by what its clients were told."""

    async def gathered(accepted: Mapping[int, str]) -> Evidence:
        return await gather(
            postgres,
            database_url,
            idle_station.services.redis,
            accepted=accepted,
            roots={"node-a": idle_station.root},
        )

    return gathered


@pytest.fixture
async def evidence(idle_station: Station, site: Site, gather_here: Gather) -> Evidence:
    """What one archived, one quick and one failed download leave; in this order."""
    worker = await idle_station.start_worker()
    urls = [site.clip_url(80), site.clip_url(81), site.url("/status/404")]
    modes = [Mode.ARCHIVE, Mode.QUICK, Mode.QUICK]
    ids = [await idle_station.submit(url, mode) for url, mode in zip(urls, modes, strict=True)]
    for one in ids:
        await idle_station.ended(one)
    worker.stop()
    served = [site.md5("/clips/80.mp4"), site.md5("/clips/81.mp4"), ""]
    return await gather_here(dict(zip(ids, served, strict=True)))


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


def set_aside(evidence: Evidence) -> Evidence:
    """Put a live file where the hunt for strays puts what nobody knows."""
    folder = evidence.roots["node-a"] / QUARANTINE
    folder.mkdir(exist_ok=True)
    file_of(evidence, 1).rename(folder / f"7-{file_of(evidence, 1).name}")
    return evidence


def set_aside_under_another_name(evidence: Evidence) -> Evidence:
    path = file_of(evidence, 1)
    folder = evidence.roots["node-a"] / QUARANTINE
    folder.mkdir(exist_ok=True)
    path.rename(folder / "7-notes.txt")
    return evidence


def set_a_stray_aside(evidence: Evidence) -> Evidence:
    """Put a link of a live file into quarantine, as of a twin that came to nothing; no fault."""
    folder = evidence.roots["node-a"] / QUARANTINE
    folder.mkdir(exist_ok=True)
    (folder / "7-424242").hardlink_to(file_of(evidence, 0))
    return evidence


def rebooked(evidence: Evidence, **changes: Any) -> Evidence:  # noqa: ANN401 - JSON
    books = [dict(book) | changes for book in evidence.books]
    return dataclasses.replace(evidence, books=books)


def leave_staging(evidence: Evidence) -> Evidence:
    (evidence.roots["node-a"] / ".staging" / "7.1").mkdir()
    return evidence


MUTATIONS: list[tuple[Callable[[Evidence], Evidence], set[str]]] = [
    (delete_archived, {"missing", "wrongly_deleted", "misbooked"}),
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
    (lambda e: row_changed(e, 2, status=int(Status.RUNNING)), {"lost", "illegal", "misbooked"}),
    (
        lambda e: row_changed(e, 0, status=int(Status.FAILED)),
        {"illegal", "unrecorded", "misbooked"},
    ),
    (lambda e: dataclasses.replace(e, books=()), {"misbooked"}),
    (lambda e: rebooked(e, archive_used=1), {"misbooked"}),
    (lambda e: rebooked(e, archive_reserved=1), {"misbooked"}),
    (lambda e: rebooked(e, active_used=1), {"misbooked"}),
    (lambda e: rebooked(e, begun=4), {"misbooked"}),
    (lambda e: rebooked(e, day="2001-01-01"), {"misbooked"}),
    (set_aside, {"missing", "set_aside"}),
    (set_aside_under_another_name, {"missing", "set_aside"}),
    (set_a_stray_aside, set()),
    (lambda e: dataclasses.replace(e, slots=("vasset:slots:user:1",)), {"held"}),
    (open_to_all, {"misdescribed"}),
    (lambda e: row_changed(e, 0, file_path="/elsewhere/1"), {"misdescribed"}),
    (lambda e: row_changed(e, 1, file_inode=1), {"misdescribed"}),
    (lambda e: row_changed(e, 0, claim_until=e.rows[0]["finished_at"]), {"held"}),
    (lambda e: dataclasses.replace(e, open_runs=(e.rows[2]["history_id"],)), {"held"}),
    (lambda e: move_added(e, 2, Status.CANCELLED), {"doubled", "illegal"}),
    (lambda e: move_added(e, 1, Status.EXPIRED), {"wrongly_deleted", "unrecorded"}),
    (lambda e: dataclasses.replace(e, moves=e.moves[1:]), {"illegal", "misbooked"}),
]


async def test_a_good_end_is_all_zeros(evidence: Evidence) -> None:
    assert check(evidence).faults == {}


@pytest.mark.parametrize(("mutate", "caught"), MUTATIONS)
def test_a_mutation_is_caught_under_its_name(
    evidence: Evidence, mutate: Callable[[Evidence], Evidence], caught: set[str]
) -> None:
    assert set(check(mutate(evidence)).faults) == caught


async def test_a_slot_that_nobody_gave_back_is_found_and_none_afterwards(
    idle_station: Station, gather_here: Gather
) -> None:
    slots = Slots(idle_station.services.redis, node="node-a")
    stream = Stream(idle_station.user.user_id, "of no transfer", "token")
    await slots.enter(stream, SlotLimits(per_node=1, per_user=1))

    held = check(await gather_here({})).faults
    await slots.leave(stream)
    left = check(await gather_here({})).faults

    assert list(held) == ["held"]
    assert left == {}


async def test_a_counter_that_was_raised_for_no_download_is_found(
    idle_station: Station, gather_here: Gather
) -> None:
    await idle_station.services.db.raw(
        "INSERT INTO quotas (user_id, day, begun)"
        f" VALUES ({idle_station.user.user_id}, (now() AT TIME ZONE 'UTC')::date, 1)"
    )

    found = check(await gather_here({}))

    assert found.misbooked == [f"user {idle_station.user.user_id}: begun 1 for 0"]
