"""`vasset get` without a server: one is started for the call, and nothing of it is left."""

import signal
from pathlib import Path

import psutil
import pytest

from tests.support.program import Program
from tests.support.site import Site
from tests.support.terminal import Shell
from tests.support.waiting import eventually_sync
from tests.vasset.client.conftest import OPEN_LOOPBACK
from tests.vasset.client.words import fetched_by, get, md5


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, **OPEN_LOOPBACK)


def running_on(data: Path) -> list[str]:
    """Return the processes that work in a data directory."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if Path(process.cwd()).is_relative_to(data) or str(data) in words:
                found.append(" ".join(words))
        except (psutil.Error, OSError):
            continue
    return found


def test_ctrl_c_ends_the_server_too_and_a_later_call_goes_on(shell: Shell, site: Site) -> None:
    process = shell.start(*get(shell, site.clip_url(81, bytes_per_s=40_000)))
    history_id = fetched_by(process)

    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    left = running_on(shell.data)
    later = shell.run(*get(shell, history_id))

    assert (process.returncode, left) == (130, [])
    assert f"`vasset get {history_id}`" in error
    assert (later.returncode, shell.saved()) == (0, ["81.mp4"]), later.stderr
    assert md5(shell.videos / "81.mp4") == site.md5("/clips/81.mp4")
    assert running_on(shell.data) == []
    # Nobody has seen an administrator's password yet, so the first `up` still shows one.
    assert "password" not in error + later.stderr + later.stdout
    with Program(shell.data, OPEN_LOOPBACK) as program:
        assert "admin@localhost" in program.output


def test_killed_it_leaves_no_server(shell: Shell, site: Site) -> None:
    process = shell.start(*get(shell, site.clip_url(80, bytes_per_s=40_000)))
    fetched_by(process)

    process.kill()
    process.communicate(timeout=20)

    eventually_sync(lambda: running_on(shell.data) == [], timeout_s=15)


def test_two_at_once_share_one_server(shell: Shell, site: Site) -> None:
    host = shell.start(*get(shell, site.clip_url(82, bytes_per_s=12_000)))
    fetched_by(host)
    guest = shell.start(*get(shell, site.clip_url(83, bytes_per_s=50_000)))
    fetched_by(guest)

    guest.send_signal(signal.SIGSTOP)
    assert host.stderr is not None
    waited = any("another `vasset` still uses this server" in line for line in host.stderr)
    guest.send_signal(signal.SIGCONT)
    ends = [process.communicate(timeout=120) for process in (host, guest)]

    assert waited
    assert [host.returncode, guest.returncode] == [0, 0], ends
    assert shell.saved() == ["82.mp4", "83.mp4"]
    assert running_on(shell.data) == []
