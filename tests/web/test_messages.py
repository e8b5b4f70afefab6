"""What is let through of what stands in Redis. Source: reliability, rows WS-10 and WS-11."""

import math
from typing import Any

import pytest

from web.messages import checked

PROGRESS: dict[str, Any] = {
    "type": "progress",
    "history_id": 1,
    "status": "running",
    "status_code": 5,
    "stage": "fetch",
    "attempt": 1,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"percent": 100.1},
        {"percent": -1},
        {"percent": math.nan},
        {"percent": math.inf},
        {"percent": "<script>"},
        {"downloaded_bytes": -1},
        {"speed_bps": math.nan},
        {"history_id": 0},
        {"history_id": 2**63},
        {"attempt": -1},
        {"status": "done"},
        {"status_code": 7},
        {"stage": "mischief"},
        {"type": "snapshot"},
    ],
    ids=repr,
)
def test_what_no_worker_says_is_dropped(wrong: dict[str, Any]) -> None:
    assert checked(PROGRESS) is not None
    assert checked(PROGRESS | wrong) is None


def test_what_is_unknown_is_null_and_what_is_foreign_is_left_out() -> None:
    told = checked(PROGRESS | {"percent": 100, "title": "x", "user_id": 7})

    assert told == PROGRESS | {
        "percent": 100.0,
        "downloaded_bytes": None,
        "total_bytes": None,
        "speed_bps": None,
        "eta_s": None,
    }
