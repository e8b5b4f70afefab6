"""The warnings of a download, as the column that holds them and back."""

import json
from collections.abc import Sequence

from domain.warnings import DownloadWarning, WarningCode


def as_json(warnings: Sequence[DownloadWarning]) -> str:
    """Return the column: a list of objects with code, subject and message."""
    return json.dumps(
        [{"code": one.code, "subject": one.subject, "message": one.message} for one in warnings]
    )


def from_json(column: str) -> tuple[DownloadWarning, ...]:
    """Return the warnings that a column holds, without those that only a newer version knows."""
    known = frozenset(WarningCode)
    return tuple(
        DownloadWarning(code=WarningCode(one["code"]), subject=one["subject"])
        for one in json.loads(column)
        if one["code"] in known
    )
