"""`vasset user quota` on a real database."""

from pathlib import Path

import pytest

from tests.vasset.test_commands import SECRET, vasset

EMAIL = "ada@example.org"


def test_limits_are_laid_one_by_one_shown_and_cleared(database_url: str, tmp_path: Path) -> None:
    environment = {"VASSET_DATABASE__URL": database_url, "VASSET_AUTH__SECRET": SECRET * 2}

    def user(*words: str) -> str:
        done = vasset("user", *words, data=tmp_path, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    user("add", EMAIL)
    user("quota", EMAIL, "--daily", "7")
    laid = user("quota", EMAIL, "--archive-bytes", "0")
    cleared = user("quota", EMAIL, "--clear", "--active", "2")

    assert "begun today       0 of 7 until " in laid
    assert "bytes archived    0 of 0, 0 reserved\nqueued or running 0 of 500\n" in laid
    assert "begun today       0 of 100 until " in cleared
    assert "queued or running 0 of 2\n" in cleared


@pytest.mark.parametrize(
    ("words", "status"), [((EMAIL, "--daily", "-1"), 2), (("nobody@example.org",), 1)]
)
def test_what_cannot_be_is_one_line(
    database_url: str, tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    environment = {"VASSET_DATABASE__URL": database_url, "VASSET_AUTH__SECRET": SECRET * 2}

    done = vasset("user", "quota", *words, data=tmp_path, environment=environment)

    assert done.returncode == status
    assert done.stderr.count("\n") == 1
