import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain import failures
from domain.download import Progress
from gateways.ytdlp.runner import Runner
from tests.support.fetching import (
    LIMITS,
    SLOW,
    begin,
    children_of,
    has_begun,
    ignore,
    order,
    process,
    processes,
    processes_in,
    running,
)
from tests.support.site import Site
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


async def test_a_cancelled_fetch_leaves_no_process(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    task = begin(runner, order(site.clip_url(1, **SLOW), tmp_path))
    child = await has_begun(tmp_path)
    asked_at = time.monotonic()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - asked_at < 2
    assert [one for one in processes() if one.group == child.group] == []


async def test_a_child_that_hears_nothing_is_killed_however_often_we_are_cancelled(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    task = begin(runner, order(site.clip_url(1, **SLOW), tmp_path))
    child = await has_begun(tmp_path)
    # A stopped process does not see SIGTERM.
    os.kill(child.pid, signal.SIGSTOP)

    task.cancel()
    await asyncio.wait({task}, timeout=0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert process(child.pid) is None


async def test_a_killed_child_interrupts_the_fetch(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    task = begin(runner, order(site.clip_url(1, **SLOW), tmp_path))
    child = await has_begun(tmp_path)

    os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(failures.InterruptedDownloadError):
        await task


async def test_a_progress_callback_that_fails_ends_the_fetch(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    def fail(_progress: Progress) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await runner.fetch(order(site.clip_url(1, **SLOW), tmp_path), fail)

    assert processes_in(tmp_path) == []


async def test_many_fetches_run_at_once(runner: Runner, site: Site, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(32)]
    for folder in folders:
        folder.mkdir()

    media = await asyncio.gather(
        *(
            runner.fetch(order(site.clip_url(number), folder), ignore)
            for number, folder in enumerate(folders)
        )
    )

    assert {one.path.parent for one in media} == set(folders)


async def test_a_silent_source_is_a_stall(site: Site, tmp_path: Path) -> None:
    limits = replace(LIMITS, stall_timeout=timedelta(seconds=0.8))

    async with running(limits) as runner:
        with pytest.raises(failures.StalledError):
            await runner.fetch(order(site.clip_url(1, stall_after=1_000), tmp_path), ignore)

        assert processes_in(tmp_path) == []


async def test_a_source_that_goes_on_for_too_long_runs_out_of_time(
    site: Site, tmp_path: Path
) -> None:
    limits = replace(LIMITS, time_limit=timedelta(seconds=1))

    async with running(limits) as runner:
        with pytest.raises(failures.TimedOutError):
            await runner.fetch(order(site.clip_url(1, **SLOW), tmp_path), ignore)

        assert processes_in(tmp_path) == []


async def test_a_dead_server_interrupts_and_the_next_fetch_has_a_new_one(
    site: Site, tmp_path: Path
) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()

    async with running() as runner:
        task = begin(runner, order(site.clip_url(1, **SLOW), first))
        child = await has_begun(first)
        os.kill(child.parent, signal.SIGKILL)
        with pytest.raises(failures.InterruptedDownloadError):
            await task
        await eventually(lambda: not processes_in(first), what="the end of the orphan")
        media = await runner.fetch(order(site.clip_url(2), second), ignore)

    assert media.size_bytes > 0


async def test_nothing_is_left_after_close(site: Site, tmp_path: Path) -> None:
    async with running() as runner:
        task = begin(runner, order(site.clip_url(1, **SLOW), tmp_path))
        server = (await has_begun(tmp_path)).parent
        await eventually(lambda: len(children_of(server)) == 2, what="the next spare child")
        family = [server, *(one.pid for one in children_of(server))]
        await runner.close()
        with pytest.raises(failures.InterruptedDownloadError):
            await task

    assert len(family) == 3
    assert [pid for pid in family if process(pid) is not None] == []


async def test_a_server_that_is_asked_to_end_takes_its_children_along(
    site: Site, tmp_path: Path
) -> None:
    async with running() as runner:
        task = begin(runner, order(site.clip_url(1, **SLOW), tmp_path))
        child = await has_begun(tmp_path)

        os.kill(child.parent, signal.SIGTERM)

        with pytest.raises(failures.InterruptedDownloadError):
            await task
        await eventually(lambda: process(child.pid) is None, what="the end of the child")
