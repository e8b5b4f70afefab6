"""Rows as their owners see them."""

import json
from collections.abc import Sequence

from pydantic import BaseModel
from quart import Response

from domain.download import User
from domain.entries import decode_entry, shown_entry
from domain.states import Status
from domain.waiting import Waiting
from storage.db import Row
from web.shapes import (
    DownloadDetail,
    DownloadShown,
    FailureShown,
    StageRunShown,
    UserShown,
    WaitingShown,
)


def answer(shown: BaseModel, status: int = 200, **headers: str) -> Response:
    """Return a shape as a JSON answer."""
    return Response(shown.model_dump_json(), status, headers, content_type="application/json")


def user_view(user: User) -> UserShown:
    """Return what an account's owner may see of it."""
    return UserShown.model_validate(user, from_attributes=True)


def download_view(row: Row, waiting: Waiting | None = None) -> DownloadShown:
    """Return what the owner of a download may see of its row: no path, no node, no claim.

    Args:
        waiting: What it waits for; None if nothing, or if it was not looked up.
    """
    status = Status(row["status"])
    shown = {name: row[name] for name in DownloadShown.model_fields if name in row}
    return DownloadShown.model_validate(
        shown
        | {
            "status": status.label,
            "status_code": int(status),
            "error": _failure(row),
            "entry": _entry(row),
            "warnings": json.loads(row["warnings"]),
            "waiting": waiting_view(waiting),
        }
    )


def waiting_view(waiting: Waiting | None) -> WaitingShown | None:
    """Return what a download waits for, as its owner sees it."""
    return waiting and WaitingShown.model_validate(waiting, from_attributes=True)


def detail_view(row: Row, runs: Sequence[Row], waiting: Waiting | None) -> DownloadDetail:
    """Return a download with the log of its stages."""
    shown = [StageRunShown.model_validate(dict(run)) for run in runs]
    return DownloadDetail(**dict(download_view(row, waiting)), runs=shown)


def _entry(row: Row) -> object:
    text = row["entry"]
    return None if text is None else shown_entry(decode_entry(text))


def _failure(row: Row) -> FailureShown | None:
    if row["error_code"] is None:
        return None
    return FailureShown(
        code=row["error_code"],
        message=row["error_message"] or "",
        retryable=bool(row["error_retryable"]),
    )
