"""`vasset up` where the shell, the database or the last end of it is against it."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from tests.support.postgres import Postgres
from tests.support.program import Program
from tests.support.waiting import eventually_sync
from tests.vasset.test_up import is_ready, started
from tests.vasset.test_up import run as run_command

ANOTHERS = {
    "PGSSLMODE": "verify-full",
    "PGSERVICE": "nowhere",
    "PGHOST": "db.example",
    "PGPORT": "1",
    "PGUSER": "eve",
    "PGDATA": "/nonexistent",
    "PGOPTIONS": "-c no_such=1",
    "PGCLIENTENCODING": "no such",
    "PGTARGETSESSIONATTRS": "standby",
    "PGSSLNEGOTIATION": "direct",
}


def test_variables_for_another_postgresql_do_not_reach_the_embedded_one(tmp_path: Path) -> None:
    with Program(tmp_path / "data", ANOTHERS) as program:
        done = run_command("user", "list", data=tmp_path / "data", **ANOTHERS)

    assert program.process.returncode == 0
    assert done.returncode == 0, done.stderr


def test_a_part_that_loses_the_database_while_it_starts_does_not_end_the_others(
    tmp_path: Path,
) -> None:
    logs = tmp_path / "data" / "logs"
    with Postgres() as server:
        program = Program(tmp_path / "data", {"VASSET_DATABASE__URL": server.url})
        try:
            eventually_sync((logs / "worker.log").exists, timeout_s=60)
            server.kill()
            # Twice, which is how often a part may die of a fault of its own.
            eventually_sync(lambda: deaths(logs / "web.log") > 1, timeout_s=90)
            server.start()
            program.wait_until_ready()
        finally:
            program.stop()

    assert program.process.returncode == 0, program.output


def deaths(log: Path) -> int:
    return log.read_text().count("the database does not answer")


def test_it_starts_again_at_once_after_all_of_it_was_killed(tmp_path: Path) -> None:
    for _ in range(3):
        with started(tmp_path) as running:
            family = psutil.Process(running.process.pid)
            for process in [family, *family.children(recursive=True)]:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            running.process.wait(10)

    with started(tmp_path) as last:
        assert is_ready(last.port)
