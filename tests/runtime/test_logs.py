"""What the logs say, and what they never do."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from runtime import logs
from runtime.settings import Log

logs.configure(Log(format="{format}", level="info"), part="worker")
log = logs.get("room")

def connect():
    password = "s3" + "cret"
    raise ValueError("refused")

with structlog.contextvars.bound_contextvars(history_id=7):
    log.info("fetch_started", title="a\\n{{}}\\x1b[31m")
    try:
        connect()
    except ValueError:
        log.exception("failed")
"""


def logged(form: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM.format(format=form)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


def test_each_record_is_one_line_with_its_fields() -> None:
    records = [json.loads(line) for line in logged("json").splitlines()]

    assert [record["event"] for record in records] == ["fetch_started", "failed"]
    assert {record["history_id"] for record in records} == {7}
    assert {record["part"] for record in records} == {"worker"}
    assert records[0]["title"] == "a\n{}\x1b[31m"
    assert "ValueError" in json.dumps(records[1]["exception"])


@pytest.mark.parametrize("form", ["json", "people"])
def test_a_trace_never_shows_local_variables(form: str) -> None:
    text = logged(form)

    assert "refused" in text
    assert "s3cret" not in text


REPEATS = """
import logging
from runtime import logs
from runtime.settings import Log

logs.configure(Log(format="json", level="info"), part="worker")
for number in range(100):
    logging.getLogger("dramatiq.worker.ConsumerThread(queue)").critical("Refused: %d", number)
    logging.getLogger("room").warning("ours")
"""


def test_what_a_library_of_the_broker_repeats_is_said_once_and_what_is_ours_each_time() -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", REPEATS], capture_output=True, text=True, check=True
    )

    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events.count("Refused: 0") == 1
    assert events.count("ours") == 100
    assert len(events) == 101


LAYERS = """
import logging
from runtime import logs
from runtime.settings import Log

logs.configure(Log(format="json", level="info"), part="worker")

def lose_a_connection():
    logging.getLogger("pika.adapters.utils.io_services_utils").error("reset by peer")
    logging.getLogger("pika.adapters.base_connection").error("connection lost")
    logging.getLogger("pika.channel").warning("closed by the server")

with logs.hushed("pika"):
    lose_a_connection()
    logging.getLogger("room").warning("closing")
lose_a_connection()
"""


def test_the_layers_of_pika_are_one_voice_that_a_close_hushes() -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", LAYERS], capture_output=True, text=True, check=True
    )

    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events == ["closing", "reset by peer", "closed by the server"]
