"""How commands end: one line, the right status."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

SECRET = "correct-horse-battery-staple"
UNREACHABLE = {
    "VASSET_DATABASE__URL": f"postgresql://u:{SECRET}@127.0.0.1:1/d",
    "VASSET_REDIS__URL": "redis://127.0.0.1:1",
    "VASSET_BROKER__URL": "redis://127.0.0.1:1",
    "VASSET_AUTH__SECRET": SECRET * 2,
}


def vasset(
    *words: str, data: Path, environment: dict[str, str] | None = None, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "vasset.main", *words],
        env={"VASSET_DATA": str(data), "PATH": "/usr/bin:/bin", **(environment or {})},
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("up", "--nonsense"),
        ("up", "--port", "many"),
        ("up", "--port", "65536"),
        ("scrub", "--rate", "0"),
        ("user", "add"),
        ("user",),
        ("node", "drain"),
    ],
)
def test_a_wrong_use_is_one_line_and_status_2(words: tuple[str, ...], tmp_path: Path) -> None:
    done = vasset(*words, data=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("vasset: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("web",), "database.url"),
        (("worker",), "database.url"),
        (("user", "list"), "database.url"),
        (("scrub",), "database.url"),
    ],
)
def test_a_missing_setting_is_named(words: tuple[str, ...], named: str, tmp_path: Path) -> None:
    done = vasset(*words, data=tmp_path)

    assert done.returncode == 1
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("secret", ["", "changeme", "x" * 31])
def test_the_web_process_needs_a_long_secret(secret: str, tmp_path: Path) -> None:
    done = vasset("web", data=tmp_path, environment=UNREACHABLE | {"VASSET_AUTH__SECRET": secret})

    assert done.returncode == 1
    assert "auth.secret" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("migrate",), ("node", "drain", "x")])
def test_a_database_that_is_away_is_one_line_without_its_password(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    done = vasset(*words, data=tmp_path, environment=UNREACHABLE)

    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    done = vasset("up", data=tmp_path, environment={"VASSET_DOWNLOADS__SLOTS": "many"})

    assert done.returncode == 1
    assert "VASSET_DOWNLOADS__SLOTS" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["add", "passwd"])
@pytest.mark.parametrize("password", ["short", "password1", "v-asset!", "ada@example.org"])
def test_a_password_that_is_short_or_common_is_refused(
    command: str, password: str, tmp_path: Path
) -> None:
    words = ("user", command, "ada@example.org", "--password-stdin")

    done = vasset(*words, data=tmp_path, environment=UNREACHABLE, typed=f"{password}\n")

    assert done.returncode == 1
    assert done.stderr.startswith("vasset: password:")
    assert password not in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    done = vasset("doctor", data=tmp_path, environment=UNREACHABLE)

    assert done.returncode == 1
    assert re.search(r"WRONG  database .* -> start it, or correct database\.url\n", done.stdout)
    assert "ok     sandbox         full: " in done.stdout
    assert SECRET not in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        *[(name,) for name in ("up", "web", "worker", "scheduler", "migrate", "doctor", "scrub")],
        *[("user", name) for name in ("add", "list", "passwd", "disable", "quota")],
        *[("node", name) for name in ("list", "drain", "undrain", "adopt")],
        *[("limit", name) for name in ("list", "set", "clear")],
        *[(name,) for name in ("login", "logout", "get", "ls", "rm")],
    ],
)
def test_every_command_has_an_example(words: tuple[str, ...], tmp_path: Path) -> None:
    done = vasset(*words, "--help", data=tmp_path)

    assert done.returncode == 0
    assert "Example: " in done.stdout


def test_help_is_quick(tmp_path: Path) -> None:
    begun = time.monotonic()
    done = vasset("--help", data=tmp_path)

    assert done.returncode == 0
    # 0.1 s alone on a machine; the room is for one that is busy.
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("group", ["", "user", "node", "limit", "cookies", "ytdlp"])
def test_what_each_command_does_is_read_in_one_line(group: str, tmp_path: Path) -> None:
    done = vasset(*group.split(), "--help", data=tmp_path, environment={"COLUMNS": "80"})

    commands = done.stdout.partition("Commands:\n")[2].splitlines()
    assert commands
    assert [line for line in commands if line.endswith("...") or line.startswith("     ")] == []
