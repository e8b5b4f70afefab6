"""`vasset limit` on a real database."""

import json
from pathlib import Path

from tests.vasset.test_commands import SECRET, vasset


def test_a_limit_is_set_listed_and_cleared(database_url: str, tmp_path: Path) -> None:
    environment = {"VASSET_DATABASE__URL": database_url, "VASSET_AUTH__SECRET": SECRET * 2}

    def limit(*words: str) -> str:
        done = vasset("limit", *words, data=tmp_path, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    limit("set", "https://www.Video.example/watch?v=1", "--active", "2", "--starts", "30")
    shown = limit("list")
    limit("clear", "video.example")
    cleared = json.loads(limit("list", "--json"))

    assert "video.example" in shown
    assert "at most 2, 30 starts a minute" in shown
    assert [(row["name"], row["max_active"], row["max_starts"]) for row in cleared] == [
        ("video.example", None, None)
    ]


def test_a_limit_of_nothing_is_refused(database_url: str, tmp_path: Path) -> None:
    environment = {"VASSET_DATABASE__URL": database_url, "VASSET_AUTH__SECRET": SECRET * 2}

    done = vasset(
        "limit", "set", "a.example", "--active", "0", data=tmp_path, environment=environment
    )

    assert done.returncode == 2
