import asyncio
import os
import re
import signal
from enum import StrEnum
from pathlib import Path

import pytest

from domain import failures
from gateways.ytdlp.sandbox import Sandbox
from tests.support.fetching import (
    SLOW,
    Proc,
    begin,
    children_of,
    has_begun,
    order,
    process,
    processes_in,
    running,
)
from tests.support.media import find_ffmpeg
from tests.support.proxy import ForwardProxy
from tests.support.site import Site
from tests.support.waiting import eventually


class Victim(StrEnum):
    TASK = "task"
    CHILD = "child"
    SERVER = "server"


def fake_ffmpeg(folder: Path, work: str) -> Path:
    """Return an ffmpeg that says what it can do, but works as told, and hears no SIGTERM."""
    program = folder / "tools" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'case " $* " in *" -i "*) trap "" TERM; {work};; *) exec {find_ffmpeg()} "$@";; esac\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program


def hanging(staging: Path) -> Proc | None:
    # It is also asked for its version and its filters, which it answers.
    return next((one for one in processes_in(staging) if "sleep" in one.read("cmdline")), None)


@pytest.mark.parametrize(
    ("victim", "work"),
    [
        (Victim.TASK, "sleep 60 & exec sleep 60"),
        (Victim.CHILD, "sleep 60 & exec sleep 60"),
        # With the server goes the one that kills groups; the kernel still ends what a child began.
        (Victim.SERVER, "exec sleep 60"),
    ],
)
async def test_a_hanging_ffmpeg_ends_with_whoever_started_it(
    site: Site, tmp_path: Path, victim: Victim, work: str
) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()

    # A program that is a script needs a shell, which the full sandbox does not let it start.
    async with running(ffmpeg=fake_ffmpeg(tmp_path, work), sandbox=Sandbox.OFF) as runner:
        task = begin(runner, order(site.url("/hls/index.m3u8"), staging))
        ffmpeg = await eventually(lambda: hanging(staging), what="the start of ffmpeg")
        assert ffmpeg is not None
        child = process(ffmpeg.group)
        assert child is not None
        match victim:
            case Victim.TASK:
                task.cancel()
            case Victim.CHILD:
                os.kill(child.pid, signal.SIGKILL)
            case Victim.SERVER:
                os.kill(child.parent, signal.SIGKILL)
        with pytest.raises((asyncio.CancelledError, failures.InterruptedDownloadError)):
            await task

        await eventually(lambda: hanging(staging) is None, what="the end of ffmpeg")


async def test_the_password_of_the_proxy_stands_in_no_list_of_processes(
    site: Site, tmp_path: Path
) -> None:
    with ForwardProxy(password="s3cret-of-the-proxy") as proxy:
        async with running() as runner:
            task = begin(runner, order(site.clip_url(1, **SLOW), tmp_path, proxy.url))
            child = await has_begun(tmp_path)
            server = process(child.parent)
            assert server is not None
            family = [server, *children_of(server.pid)]
            shown = "".join(one.read("cmdline") + one.read("environ") for one in family)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    assert child.pid in {one.pid for one in family}
    assert "s3cret" not in shown
    assert "proxy" not in shown.lower()


async def test_a_child_is_held_to_its_limits(site: Site, tmp_path: Path) -> None:
    async with running() as runner:
        task = begin(runner, order(site.clip_url(1, **SLOW), tmp_path))
        child = await has_begun(tmp_path)
        limits, status = child.read("limits"), child.read("status")
        outputs = {child.link(f"fd/{number}") for number in (0, 1, 2)}
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert re.search(r"Max file size +5050000 ", limits)
    assert re.search(r"Max cpu time +240 ", limits)
    assert re.search(r"Max address space +1610612736 ", limits)
    assert re.search(r"Max open files +256 ", limits)
    assert re.search(r"Max core file size +0 ", limits)
    assert re.search(r"NoNewPrivs:\s+1", status)
    assert outputs == {"/dev/null"}
