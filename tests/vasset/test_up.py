"""`vasset up` for real: the servers from their wheels, a free port, a folder of its own."""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.db import Db
from tests.support.program import Program
from tests.support.waiting import eventually, eventually_sync

READY = re.compile(r"V-Asset is ready at http://127\.0\.0\.1:(\d+)")
PASSWORD = re.compile(r"^ +password +(\S+)$", re.MULTILINE)


@dataclass
class Running:
    process: "subprocess.Popen[str]"
    port: int
    said: str


def command(*words: str, data: Path) -> list[str]:
    return [sys.executable, "-m", "vasset.main", *words, "--data", str(data)]


def environment() -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": "/nonexistent"}


def run(
    *words: str, data: Path, typed: str = "", **more: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own program
        command(*words, data=data),
        env=environment() | more,
        input=typed,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def started(data: Path) -> Generator[Running]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        command("up", "--port", "0", data=data),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if ready := READY.match(line):
                yield Running(process, int(ready[1]), said)
                return
        pytest.fail(f"up ended before it was ready: {said}")
    finally:
        process.terminate()
        process.wait(15)
        if process.stdout is not None:
            process.stdout.close()


def processes(data: Path) -> list[str]:
    """Return what runs for a data directory, by its working folder."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        try:
            folder, state = (entry / "cwd").readlink(), (entry / "stat").read_text()
            command_line = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:  # It ended between two looks.
            continue
        if folder.is_relative_to(data) and state.rpartition(")")[2].split()[0] not in "ZX":
            found.append(command_line)
    return found


def status(port: int, path: str, body: object = None) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(
            "GET" if body is None else "POST",
            path,
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        return connection.getresponse().status


def test_a_first_run_gives_an_account_and_stops_without_a_trace(tmp_path: Path) -> None:
    with started(tmp_path) as first:
        password = PASSWORD.findall(first.said)[0]
        credentials = {"email": "admin@localhost", "password": password}

        assert status(first.port, "/api/v1/auth/login", credentials) == 200
        assert run("doctor", data=tmp_path).returncode == 0
        refused = run("up", data=tmp_path)
        assert refused.returncode == 1
        assert "another `vasset up` is running" in refused.stderr
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(10) == 0

    assert processes(tmp_path) == []
    kept = [file for file in (tmp_path / "logs").iterdir() if password in file.read_text()]
    assert kept == []


def test_killed_parts_come_back_and_a_killed_run_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as first:
        children = Path(f"/proc/{first.process.pid}/task/{first.process.pid}/children")
        for pid in map(int, children.read_text().split()):
            os.kill(pid, signal.SIGKILL)
        eventually_sync(lambda: is_ready(first.port), timeout_s=15)
        first.process.kill()
        first.process.wait(5)

    with started(tmp_path) as second:
        assert PASSWORD.findall(second.said) == []
        assert is_ready(second.port)
        second.process.kill()
        second.process.wait(5)

    eventually_sync(lambda: processes(tmp_path) == [], timeout_s=10)


def is_ready(port: int) -> bool:
    try:
        return status(port, "/readyz") == 200
    except OSError:
        return False


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        done = run("up", "--port", str(port), data=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"vasset: cannot listen on port {port} of 127.0.0.1")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "postgres").exists()


async def test_it_stops_while_the_schema_takes_its_time(
    tmp_path: Path, database_url: str, db: Db
) -> None:
    async with db.session() as other:
        await other.one("schema_lock")
        program = Program(tmp_path / "data", {"VASSET_DATABASE__URL": database_url})
        try:
            await eventually(
                lambda: "Another migration" in program.output, timeout_s=30, what="the wait"
            )
        finally:
            await asyncio.to_thread(program.stop)

    assert program.process.returncode == 0, program.output
    assert processes(tmp_path / "data") == []
