"""The first minutes on a machine: one account for page and commands, and plain words."""

import json
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from runtime.settings_layers import load
from storage.db import Db
from storage.users import Users
from tests.support.program import Program
from tests.support.site import Site
from tests.support.terminal import Shell
from tests.vasset.client.conftest import OPEN_LOOPBACK
from tests.vasset.client.words import get
from tests.vasset.test_commands import vasset
from tests.vasset.test_up import PASSWORD
from vasset import probes
from vasset.first_run import ADMIN, first_admin


def test_page_and_commands_of_one_machine_are_one_account(tmp_path: Path, site: Site) -> None:
    shell = Shell(tmp_path, **OPEN_LOOPBACK)
    before = shell.run(*get(shell, site.clip_url(81)))

    with Program(shell.data, OPEN_LOOPBACK) as program:
        account = {"email": ADMIN, "password": PASSWORD.findall(program.output)[0]}
        listed = shell.run("ls", "--json", "--data", str(shell.data))
        with httpx.Client(base_url=f"{program.url}/api/v1", timeout=30) as http:
            session = http.post("/auth/login", json=account).json()
            http.headers["Authorization"] = f"Bearer {session['access_token']}"
            history = http.get("/user/history").json()["items"]
            quota = http.get("/user/quota").json()
            taken = http.post("/auth/register", json=account | {"email": "x@Sub.Localhost"})

    assert before.returncode == 0, before.stderr
    assert session["user"]["role"] == "admin"
    ids = [item["history_id"] for item in history]
    assert [row["history_id"] for row in json.loads(listed.stdout)] == ids
    assert len(ids) == 1
    assert quota["daily_downloads"]["limit"] == 10**15
    assert taken.status_code == 422


async def test_a_stranger_with_the_name_of_the_first_administrator_stays_one(db: Db) -> None:
    users = Users(db)
    stranger = await users.add(ADMIN, password_hash="x")

    first, again = await first_admin(db), await first_admin(db)

    assert stranger is not None
    assert first is not None
    assert (first.email, first.role) == ("admin2@localhost", "admin")
    assert again == first
    assert await users.disable(first.email)
    assert await first_admin(db) is None


@pytest.mark.parametrize("words", [("ls",), ("rm", "7")])
def test_without_a_server_it_says_so_at_once(words: tuple[str, ...], tmp_path: Path) -> None:
    done = vasset(*words, data=tmp_path / "none")

    assert (done.returncode, done.stdout) == (1, "")
    assert "start it with `vasset up`" in done.stderr
    assert not (tmp_path / "none").exists()


def test_the_doctor_says_once_that_no_server_runs(tmp_path: Path) -> None:
    done = vasset("doctor", data=tmp_path / "none")

    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG  server")]
    assert done.returncode == 1
    assert len(wrong) == 1
    assert wrong[0].endswith("-> vasset up")
    assert not any(word in done.stdout for word in ("database", "redis", "broker", "clock"))


def test_it_says_which_version_it_is(tmp_path: Path) -> None:
    done = vasset("--version", data=tmp_path)

    assert (done.returncode, done.stdout) == (0, f"vasset {version('vasset')}\n")


def test_the_address_for_others_is_one_that_they_can_open() -> None:
    everywhere = load({}, {"server": {"host": "0.0.0.0", "port": 9000}}).server  # noqa: S104
    public = load({}, {"server": {"public_url": "https://media.example/vasset"}}).server

    told = probes.address_for_others(everywhere)

    assert told is not None
    assert told.endswith(":9000")
    assert not any(host in told for host in ("0.0.0.0", "[::]"))  # noqa: S104
    assert probes.address(everywhere) == "http://127.0.0.1:9000"
    assert probes.address_for_others(public) == "https://media.example/vasset"
    assert probes.address_for_others(load({}).server) is None


def test_an_account_of_this_machine_is_none_of_another_server(tmp_path: Path) -> None:
    done = vasset("ls", "--account", ADMIN, "--url", "https://media.example", data=tmp_path)

    assert done.returncode == 1
    assert "--account is for this machine's own server" in done.stderr
