"""What is let through of what stands in Redis. Source: reliability, rows WS-10 and WS-11."""

import json
import math
from typing import Any

import pytest

from web.progress.messages import checked, text_of

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


def test_no_text_of_a_site_breaks_a_message() -> None:
    title = "<script>\u2028</script>\u2029\x1b[31m\x00\x85\ud83d\ude00"
    entry = {"type": "snapshot", "downloads": [{"title": title}]}

    text = text_of(entry, 1)

    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["downloads"][0]["title"].encode("utf-16", "surrogatepass")
