"""A row of download_history as the value that a stage works with."""

from datetime import timedelta

from domain.download import Digest, Download
from domain.failures import FailureCode
from domain.states import Mode, Stage, Status
from storage.db import Row
from storage.wishes import wish_of


def as_download(row: Row) -> Download:
    """Return the value that a stage works with."""
    return Download(
        history_id=row["history_id"],
        user_id=row["user_id"],
        asset_uuid=row["asset_uuid"],
        created_at=row["created_at"],
        mode=Mode(row["mode"]),
        wish=wish_of(row),
        status=Status(row["status"]),
        stage=Stage(row["stage"]),
        epoch=row["epoch"],
        attempt=row["attempts"],
        tries=row["tries"],
        crashes=row["crashes"],
        lone_crashes=row["lone_crashes"],
        proxy_faults=row["proxy_faults"],
        proxy_failing=timedelta(seconds=row.get("proxy_failing_s", 0.0)),
        exit_name=row["exit_name"],
        linked_from=row["linked_from"],
        title=row["title"],
        extension=row["extension"],
        expected_bytes=row["expected_bytes"] or 0,
        digest=_digest(row),
        # A code of a newer version counts as none.
        last_code=next((code for code in FailureCode if code == row["error_code"]), None),
    )


def _digest(row: Row) -> Digest | None:
    if row["file_hash"] is None:
        return None
    return Digest(md5=row["file_hash"], size_bytes=row["file_size"])
