"""The main job as a person does it: one command, an address in, the file out."""

import hashlib
import itertools
import json
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.support.program import Program
from tests.support.rabbit import Rabbit
from tests.support.site import Site
from tests.support.waiting import eventually_sync

_numbers = itertools.count(1)
ADA = {"email": "ada@example.com", "password": "correct horse battery"}


@pytest.fixture(params=["valkey", "rabbitmq"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a program whose downloads may reach the tests' own site."""
    open_loopback = {"VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]'}
    if request.param == "valkey":
        return open_loopback
    rabbit: Rabbit = request.getfixturevalue("rabbit")
    return open_loopback | {"VASSET_BROKER__URL": rabbit.add_vhost(f"journey{next(_numbers)}")}


@pytest.fixture
def program(tmp_path: Path, environment: dict[str, str]) -> Generator[Program]:
    with Program(tmp_path / "data", environment) as program:
        yield program


class Person:
    """Somebody with an HTTP client and an account."""

    def __init__(self, program: Program) -> None:
        self.http = httpx.Client(base_url=f"{program.url}/api/v1", trust_env=False, timeout=30)
        self.http.post("/auth/register", json=ADA).raise_for_status()
        answer = self.http.post("/auth/login", json=ADA).raise_for_status()
        self.token = answer.json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def moved_to(self, program: Program) -> None:
        """Talk to another run of the program from now on."""
        self.http.base_url = f"{program.url}/api/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def submit(self, url: str, mode: str) -> int:
        """Hand in an address and return the download's id."""
        answer = self.http.post("/download", json={"url": url, "mode": mode})
        assert answer.status_code == 202, answer.text
        return int(answer.json()["history_id"])

    def look(self, history_id: int) -> dict[str, Any]:
        """Return a download as it is now."""
        item: dict[str, Any] = self.http.get(f"/download/{history_id}").json()
        return item

    def ended(self, history_id: int) -> dict[str, Any]:
        """Return a download once no more work is owed to it."""

        def probe() -> dict[str, Any] | None:
            item = self.look(history_id)
            return None if item["status"] in ("queued", "running") else item

        return eventually_sync(probe, timeout_s=60, what=f"download {history_id} to end")


@pytest.fixture
def person(program: Program) -> Generator[Person]:
    with Person(program) as person:
        yield person


def test_from_register_to_the_bytes_in_both_modes(person: Person, site: Site) -> None:
    for mode, status in (("quick_download", "pending_cleanup"), ("archive", "completed")):
        history_id = person.submit(site.url("/clips/50.mp4"), mode)

        item = person.ended(history_id)
        file = person.http.get("/download/file", params={"history_id": history_id})

        assert item["status"] == status
        assert (item["expire_at"] is not None) == (mode == "quick_download")
        assert file.status_code == 200
        assert hashlib.md5(file.content).hexdigest() == site.md5("/clips/50.mp4")  # noqa: S324
        assert item["file_hash"] == site.md5("/clips/50.mp4")
        assert '"50.mp4"' in file.headers["Content-Disposition"]
    history = person.http.get("/user/history").json()["items"]
    assert [entry["mode"] for entry in history] == ["archive", "quick_download"]


def test_watching_it_arrive(program: Program, person: Person, site: Site) -> None:
    address = program.url.replace("http", "ws") + "/api/v1/ws/progress"
    bearer = [Subprotocol("bearer"), Subprotocol(person.token)]
    heard: list[dict[str, Any]] = []
    with connect(address, subprotocols=bearer, proxy=None) as socket:
        snapshot = json.loads(socket.recv(timeout=30))
        history_id = person.submit(site.clip_url(51, bytes_per_s=60_000), "quick_download")
        while not heard or heard[-1]["status"] != "pending_cleanup":
            heard.append(json.loads(socket.recv(timeout=60)))

    figures = [message["percent"] for message in heard if message["type"] == "progress"]
    numbers = [message["seq"] for message in heard]
    states = [m for m in heard if m["type"] == "state" and m["status"] == "running"]
    assert (snapshot["type"], snapshot["downloads"]) == ("snapshot", [])
    assert {message["history_id"] for message in heard} == {history_id}
    assert len(figures) >= 2
    assert figures == sorted(figures)
    assert numbers == sorted(set(numbers))
    assert [message["stage"] for message in states] == ["fetch", "checksum", "record"]


def test_stopping_it_in_the_middle_leaves_nothing_and_it_goes_on_later(
    tmp_path: Path, environment: dict[str, str], site: Site
) -> None:
    with Program(tmp_path / "data", environment) as program, Person(program) as person:
        history_id = person.submit(site.clip_url(52, bytes_per_s=40_000), "archive")
        eventually_sync(lambda: person.look(history_id)["stage"] == "fetch")
        family = program.family()

        seconds = program.stop(signal.SIGINT)

        assert seconds < 10
        assert program.process.returncode == 0
        assert not [process for process in family if process.is_running()]
        with Program(tmp_path / "data", environment) as again:
            person.moved_to(again)
            item = person.ended(history_id)
            printed = again.output
    assert item["status"] == "completed"
    assert item["file_hash"] == site.md5("/clips/52.mp4")
    assert printed.count("password") == 2  # the announcement and the line below it, once


def test_killing_it_leaves_nothing_and_it_goes_on_later(
    tmp_path: Path, environment: dict[str, str], site: Site
) -> None:
    with Program(tmp_path / "data", environment) as program, Person(program) as person:
        history_id = person.submit(site.clip_url(53, bytes_per_s=40_000), "quick_download")
        eventually_sync(lambda: person.look(history_id)["stage"] == "fetch")
        family = program.family()

        program.stop(signal.SIGKILL)

        eventually_sync(
            lambda: not [process for process in family if process.is_running()], timeout_s=60
        )
        with Program(tmp_path / "data", environment) as again:
            person.moved_to(again)
            assert person.ended(history_id)["status"] == "pending_cleanup"


def test_a_second_program_on_the_same_directory_is_refused(
    tmp_path: Path, program: Program
) -> None:
    second = Program(tmp_path / "data", {})

    assert second.process.wait(60) == 1
    assert "is running" in second.output.splitlines()[-1]
    assert program.process.poll() is None
