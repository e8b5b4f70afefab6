"""How a `get` goes: several addresses, what is shown, and what stops it."""

import json
import re
import signal
from pathlib import Path

from tests.support.site import Site
from tests.support.terminal import Shell
from tests.vasset.client.conftest import Server
from tests.vasset.client.words import fetched_by, get, md5


def test_one_bad_address_of_several_spoils_only_the_status(shell: Shell, site: Site) -> None:
    addresses = f"# my videos\n\n  {site.clip_url(61)}  \nftp://nowhere/x\n{site.clip_url(61)}\n"

    done = shell.run(*get(shell, "-", site.clip_url(62), site.url("/status/404")), said=addresses)

    assert done.returncode == 1
    assert shell.saved() == ["61.mp4", "62.mp4"]
    faults = [line for line in done.stderr.splitlines() if line.startswith("vasset: ")]
    assert any("ftp://nowhere/x: " in fault for fault in faults)
    assert any("/status/404: " in fault for fault in faults)
    assert len(faults) == 2


def test_json_is_an_object_a_line(shell: Shell, site: Site) -> None:
    url = site.clip_url(69, bytes_per_s=100_000)

    done = shell.run(*get(shell, url, "ftp://x", "--json"))

    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    saved = events[kinds.index("saved")]
    assert (done.returncode, done.stderr) == (1, "")
    assert {"accepted", "progress", "saved", "failed"} <= set(kinds)
    assert events[kinds.index("failed")]["code"] == "invalid_url"
    assert (saved["url"], saved["path"]) == (url, str(shell.videos / "69.mp4"))
    assert saved["md5"] == site.md5("/clips/69.mp4")


def test_a_terminal_shows_bars(shell: Shell, site: Site) -> None:
    words = get(shell, site.clip_url(70, bytes_per_s=100_000))

    status, screen = shell.on_terminal(*words)
    table = shell.on_terminal("ls")[1]

    assert status == 0, screen
    assert re.search(r"\d+ 70\.mp4.*fetch.*\x1b", screen)
    assert "✓" in screen
    assert "\x1b[?25h" in screen[-500:]
    assert "STATUS" in table


def test_ctrl_c_says_how_to_go_on_and_that_works(shell: Shell, site: Site) -> None:
    process = shell.start(*get(shell, site.clip_url(71, bytes_per_s=60_000)))
    history_id = fetched_by(process)

    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=10)
    saved = shell.run(*get(shell, history_id))

    assert process.returncode == 130
    assert f"`vasset get {history_id}`" in error
    assert "Traceback" not in error
    assert (saved.returncode, shell.saved()) == (0, ["71.mp4"])


def test_without_waiting_the_ids_are_written(shell: Shell, site: Site) -> None:
    done = shell.run(*get(shell, site.clip_url(72), site.clip_url(73), "--no-wait"))
    later = shell.run(*get(shell, *done.stdout.split()))

    assert (done.returncode, len(done.stdout.split()), done.stderr) == (0, 2, "")
    assert (later.returncode, shell.saved()) == (0, ["72.mp4", "73.mp4"])


def test_a_running_up_is_used_without_a_login(server: Server, tmp_path: Path, site: Site) -> None:
    shell = Shell(tmp_path)
    data = ("--data", str(server.data))

    got = shell.run(*get(shell, site.clip_url(75)), *data)

    assert (got.returncode, shell.saved()) == (0, ["75.mp4"])
    assert "starting" not in got.stderr
    assert server.program.process.poll() is None


def test_a_server_that_restarts_meanwhile_is_waited_for(
    server: Server, shell: Shell, site: Site
) -> None:
    process = shell.start(*get(shell, site.clip_url(74, bytes_per_s=60_000)))
    fetched_by(process)

    server.restart()
    _, error = process.communicate(timeout=60)

    assert process.returncode == 0, error
    assert md5(shell.videos / "74.mp4") == site.md5("/clips/74.mp4")
