"""The checker: what was promised to clients against what rows, disks and Redis hold."""

import hashlib
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.states import LEGAL_MOVES, Mode, Status
from storage.files import STAGING, Files
from storage.strays import QUARANTINE

Row = Mapping[str, Any]

ENDED = (Status.FAILED, Status.COMPLETED, Status.PENDING_CLEANUP, Status.CANCELLED)
PRESENT = (Status.COMPLETED, Status.PENDING_CLEANUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that is left after a run.

    Attributes:
        accepted: Each id that a client was given, with the MD5 of what the site serves there,
            or an empty text where that may be anything.
        moves: The rows of ``transitions``, in order.
        books: What each user may use and uses, as the product counts it; ``day`` and ``begun``
            are those of the counter.
        roots: The storage root of each node.
        leases: The downloads that have a proxy's lease in Redis.
        processes: What still runs of the children.
        open_runs: The downloads of which a stage's run has no end.
        slots: The keys of the slots of delivery that are taken in Redis.
    """

    accepted: Mapping[int, str]
    rows: Sequence[Row]
    moves: Sequence[Row]
    roots: Mapping[str, Path]
    books: Sequence[Row]
    leases: frozenset[int] = frozenset()
    processes: tuple[str, ...] = ()
    open_runs: tuple[int, ...] = ()
    slots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What breaks a promise, by the name of the promise; all empty is good."""

    lost: list[str]
    doubled: list[str]
    illegal: list[str]
    unrecorded: list[str]
    missing: list[str]
    mismatched: list[str]
    mixed: list[str]
    wrongly_deleted: list[str]
    orphans: list[str]
    leaked: list[str]
    misbooked: list[str]
    held: list[str]
    misdescribed: list[str]
    set_aside: list[str]

    @property
    def faults(self) -> dict[str, list[str]]:
        """Return what is not empty."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: faults for name, faults in found.items() if faults}

    def table(self, accepted: int) -> str:
        """Return one line for each promise, for people."""
        lines = [f"{'accepted':<16} {accepted:>6}"]
        for field in fields(self):
            faults: list[str] = getattr(self, field.name)
            lines.append(f"{field.name:<16} {len(faults):>6}  {'; '.join(faults[:5])}".rstrip())
        return "\n".join(lines)


def check(evidence: Evidence) -> Verdict:
    """Judge a run that has come to rest. Source: reliability section 2, I1 to I5."""
    rows = {row["history_id"]: row for row in evidence.rows}
    paths = {row["history_id"]: path for row in evidence.rows if (path := _path(row, evidence))}
    files = {path for root in evidence.roots.values() for path in _files(root)}
    doubled, illegal = _judge_moves(evidence.moves, rows)
    missing = [i for i, path in paths.items() if path not in files]
    return Verdict(
        lost=[str(i) for i in evidence.accepted if not _is_ended(rows.get(i))],
        doubled=doubled + _doubled_files(files),
        illegal=illegal,
        unrecorded=[str(path) for path in sorted(files - set(paths.values()))],
        missing=[str(i) for i in missing],
        mismatched=[
            str(i)
            for i, path in paths.items()
            if path in files and not _matches(path, rows[i], evidence.accepted.get(i, ""))
        ],
        mixed=_mixed({i: path for i, path in paths.items() if path in files}, rows),
        wrongly_deleted=_wrongly_deleted(missing, rows, evidence.moves),
        orphans=_orphans(evidence),
        leaked=[
            str(i)
            for i in sorted(evidence.leases)
            if i not in rows or rows[i]["status"] != Status.RUNNING
        ],
        misbooked=_misbooked(evidence, paths),
        held=_held(evidence, rows),
        misdescribed=[
            f"{i}: {fault}"
            for i, path in paths.items()
            if path in files
            for fault in _misdescribed(path, rows[i])
        ],
        set_aside=_set_aside(evidence, paths, rows),
    )


def _is_ended(row: Row | None) -> bool:
    return row is not None and not Status(row["status"]).is_active


def _path(row: Row, evidence: Evidence) -> Path | None:
    """Return where the file of a row must stand, or None if it must not have one."""
    if row["status"] not in PRESENT or row["file_removed_at"] is not None:
        return None
    node = row["storage_node"]
    return Files(evidence.roots[node], node=node).path(
        row["history_id"],
        row["user_id"],
        Mode(row["mode"]),
        UUID(row["asset_uuid"]),
        datetime.fromisoformat(row["created_at"]),
    )


def _files(root: Path) -> list[Path]:
    return [p for top in ("tmp", "archive") for p in (root / top).rglob("*") if not p.is_dir()]


def _matches(path: Path, row: Row, served: str) -> bool:
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    size = path.stat().st_size
    return size == row["file_size"] and md5 == row["file_hash"] and served in ("", md5)


def _held(evidence: Evidence, rows: Mapping[int, Row]) -> list[str]:
    """Return what has ended and is claimed or run all the same, and slots of no transfer."""
    claimed = [
        f"{i} is claimed" for i, row in rows.items() if _is_ended(row) and row["claim_until"]
    ]
    run = [f"{i} has an open run" for i in evidence.open_runs if _is_ended(rows.get(i))]
    return [*claimed, *run, *evidence.slots]


def _misdescribed(path: Path, row: Row) -> list[str]:
    """Return what a row or our rules say otherwise of a file: its place, inode or mode."""
    seen = path.stat()
    said = {
        "place": (row["file_path"], str(path)),
        "inode": (row["file_inode"], seen.st_ino),
        "mode": (0o600, stat.S_IMODE(seen.st_mode)),
    }
    return [name for name, (wanted, found) in said.items() if wanted != found]


def _mixed(paths: Mapping[int, Path], rows: Mapping[int, Row]) -> list[str]:
    """Return downloads that share a file though they are no twins, or of two users."""
    kinds: dict[tuple[int, int], set[tuple[object, ...]]] = {}
    for i, path in paths.items():
        row = rows[i]
        seen = path.stat()
        # What has no key shares with nobody, so it is of a kind of its own.
        kind = (row["twin_key"] or i, row["user_id"])
        kinds.setdefault((seen.st_dev, seen.st_ino), set()).add(kind)
    return [f"inode {file[1]} has {len(its)}" for file, its in kinds.items() if len(its) > 1]


def _judge_moves(moves: Sequence[Row], rows: Mapping[int, Row]) -> tuple[list[str], list[str]]:
    """Return which downloads ended twice, and whose moves are no path from queued to here."""
    doubled: list[str] = []
    illegal: list[str] = []
    last: dict[int, Status] = {}
    for move in moves:
        i, to = move["history_id"], Status(move["to_status"])
        before = last.get(i)
        if before in ENDED and to in ENDED:
            doubled.append(f"{i} at {to.label}")
        allowed = frozenset({Status.QUEUED}) if before is None else LEGAL_MOVES[before]
        if move["from_status"] != before or to not in allowed:
            illegal.append(f"{i} to {to.label}")
        last[i] = to
    illegal += [
        f"{i} is not where it moved" for i, row in rows.items() if last.get(i) != row["status"]
    ]
    return doubled, illegal


def _doubled_files(files: set[Path]) -> list[str]:
    names = Counter(path.name for path in files)
    return [f"{name} has {count} files" for name, count in names.items() if count > 1]


def _wrongly_deleted(
    missing: Sequence[int], rows: Mapping[int, Row], moves: Sequence[Row]
) -> list[str]:
    """Return archive files that are gone, and quick ones that went before their time."""
    archived = [f"{i} was archived" for i in missing if rows[i]["mode"] == Mode.ARCHIVE]
    early = [
        f"{i} was early"
        for move in moves
        if move["to_status"] == Status.EXPIRED
        and (row := rows.get(i := move["history_id"])) is not None
        and row["hidden_at"] is None
        and (row["mode"] != Mode.QUICK or _time(move["moved_at"]) < _time(row["expire_at"]))
    ]
    return archived + early


def _misbooked(evidence: Evidence, paths: Mapping[int, Path]) -> list[str]:
    """Return what the books of a user say otherwise than disks, rows and moves."""
    books = {row["user_id"]: row for row in evidence.books}
    counted = {
        "archive_used": _archived(evidence, paths),
        "archive_reserved": _reserved(evidence),
        "active_used": Counter(row["user_id"] for row in evidence.rows if not _is_ended(row)),
        "begun": _begun(evidence, books),
    }
    owners = {row["user_id"] for row in evidence.rows}
    return [
        f"user {user}: {name} {said} for {seen[user]}"
        for name, seen in counted.items()
        for user in sorted(owners | books.keys())
        if (said := books.get(user, {}).get(name, 0)) != seen[user]
    ]


def _archived(evidence: Evidence, paths: Mapping[int, Path]) -> Counter[int]:
    """Return how many bytes of archive the disks hold for each user."""
    kept: Counter[int] = Counter()
    for row in evidence.rows:
        path = paths.get(row["history_id"])
        if row["status"] == Status.COMPLETED and path is not None and path.exists():
            kept[row["user_id"]] += path.stat().st_size
    return kept


def _reserved(evidence: Evidence) -> Counter[int]:
    """Return what each user's archive must still make room for; a quick download needs none."""
    reserved: Counter[int] = Counter()
    for row in evidence.rows:
        if not _is_ended(row) and row["mode"] == Mode.ARCHIVE:
            reserved[row["user_id"]] += row["reserved_bytes"]
    return reserved


def _begun(evidence: Evidence, books: Mapping[int, Row]) -> Counter[int]:
    """Return how often each user's downloads were begun or retried on the day of their counter."""
    users = {row["history_id"]: row["user_id"] for row in evidence.rows}
    begun: Counter[int] = Counter()
    for move in evidence.moves:
        before = move["from_status"]
        if move["to_status"] != Status.QUEUED or (before is not None and before not in ENDED):
            continue
        user = users.get(move["history_id"])
        if user is not None and _day(move["moved_at"]) == books.get(user, {}).get("day"):
            begun[user] += 1
    return begun


def _day(text: str) -> str:
    return _time(text).astimezone(UTC).date().isoformat()


def _set_aside(evidence: Evidence, paths: Mapping[int, Path], rows: Mapping[int, Row]) -> list[str]:
    """Return downloads that lack their file while it lies in quarantine.

    A stray may have the name or the inode of an asset that is in its place: what another attempt
    left, or a link of a twin that came to nothing.
    """
    aside = [
        (path.name.partition("-")[2], path.lstat().st_ino)
        for root in evidence.roots.values()
        for path in (root / QUARANTINE).glob("*")
    ]
    names, inodes = {name for name, _ in aside}, {inode for _, inode in aside}
    return [
        str(i)
        for i, path in paths.items()
        if not path.exists() and (path.name in names or rows[i]["file_inode"] in inodes)
    ]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _orphans(evidence: Evidence) -> list[str]:
    staged = [
        str(folder) for root in evidence.roots.values() for folder in (root / STAGING).glob("*")
    ]
    return staged + list(evidence.processes)
