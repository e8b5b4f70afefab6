"""Logging in and out, and how a command of the client ends."""

import json
import stat
from pathlib import Path

import httpx
import pytest

from tests.support.meddler import Meddler
from tests.support.site import Site
from tests.support.terminal import Shell
from tests.vasset.client.conftest import ADA
from tests.vasset.client.words import get, md5


def test_from_login_to_logout(tmp_path: Path, meddler: Meddler, site: Site) -> None:
    shell = Shell(tmp_path)
    login = ("login", meddler.url, "--email", ADA["email"], "--password-stdin")
    logged_in = shell.run(*login, said=f"{ADA['password']}\n")
    kept = tmp_path / "config" / "vasset" / "login.json"
    mode, key = stat.S_IMODE(kept.stat().st_mode), json.loads(kept.read_text())["key"]

    got = shell.run(*get(shell, site.clip_url(60)))
    only = ("ls", "--search", "60.mp4")
    listed, as_json = shell.run(*only), shell.run(*only, "--json")
    history_id = listed.stdout.split("\t")[0]
    removed, left = shell.run("rm", history_id), shell.run(*only)
    logged_out, after = shell.run("logout"), opens(meddler, key)

    assert (logged_in.returncode, mode) == (0, 0o600)
    assert ADA["password"] not in key
    assert (got.returncode, got.stdout) == (0, f"{shell.videos / '60.mp4'}\n")
    assert md5(shell.videos / "60.mp4") == site.md5("/clips/60.mp4")
    assert listed.stdout.rstrip().split("\t")[-1] == "60.mp4"
    assert [str(row["history_id"]) for row in json.loads(as_json.stdout)] == [history_id]
    assert (removed.returncode, left.stdout) == (0, "")
    assert "\x1b" not in got.stdout + got.stderr + listed.stdout
    assert (logged_out.returncode, after, kept.exists()) == (0, 401, False)


def opens(meddler: Meddler, key: str) -> int:
    bearer = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{meddler.url}/api/v1/user/quota", headers=bearer, timeout=30).status_code


def test_a_second_login_ends_the_key_of_the_first(tmp_path: Path, meddler: Meddler) -> None:
    shell, keys = Shell(tmp_path), list[str]()
    for _ in range(2):
        login = ("login", meddler.url, "--email", ADA["email"], "--password-stdin")
        assert shell.run(*login, said=f"{ADA['password']}\n").returncode == 0
        kept = tmp_path / "config" / "vasset" / "login.json"
        keys.append(json.loads(kept.read_text())["key"])

    assert [opens(meddler, key) for key in keys] == [401, 200]


def test_a_password_is_asked_for_and_not_shown(tmp_path: Path, meddler: Meddler) -> None:
    shell = Shell(tmp_path)
    words = ("login", meddler.url, "--email", ADA["email"])

    status, screen = shell.on_terminal(*words, said=f"{ADA['password']}\n", when="Password: ")

    assert status == 0, screen
    assert ADA["password"] not in screen


@pytest.mark.parametrize(
    ("words", "said", "status", "told"),
    [
        (("login", "{url}", "--email", "a@b.c", "--password-stdin"), "wrong\n", 1, "password"),
        (("login", "{url}", "--key-stdin"), "vst_" + "A" * 43, 1, "does not know"),
        (("login", "{url}", "--key-stdin"), "hello", 2, "API key"),
        (("login", "ftp://x"), "", 2, "address of a server"),
        (("login", "http://127.0.0.1:1", "--email", "a@b.c", "--password-stdin"), "x", 1, "answer"),
        (("ls", "--status", "nonsense"), "", 2, "nonsense"),
        (("ls", "--url", "{url}"), "", 1, "no key"),
        (("get", "x", "-o", "/etc/hosts"), "", 2, "/etc/hosts"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, meddler: Meddler, words: tuple[str, ...], said: str, status: int, told: str
) -> None:
    done = Shell(tmp_path).run(*(word.format(url=meddler.url) for word in words), said=said)

    assert (done.returncode, done.stderr.count("\n")) == (status, 1)
    assert done.stderr.startswith("vasset: ")
    assert told in done.stderr
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_knows_the_words(tmp_path: Path, shell_name: str) -> None:
    shell = Shell(tmp_path)
    typed = {"COMP_WORDS": "vasset get --quality 7", "COMP_CWORD": "3"}
    typed |= {
        "_TYPER_COMPLETE_ARGS": "vasset get --quality 7",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }

    script = shell.run(_VASSET_COMPLETE=f"source_{shell_name}")
    done = shell.run(**typed, _VASSET_COMPLETE=f"complete_{shell_name}")

    assert "_VASSET_COMPLETE" in script.stdout
    assert "720p" in done.stdout
    assert "audio" not in done.stdout
