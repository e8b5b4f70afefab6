"""A look: what it tells, what a captured one can do, and what is believed of it."""

import asyncio
from collections.abc import AsyncGenerator
from ipaddress import ip_network

import pytest

from domain import failures
from domain.addresses import AddressPolicy
from domain.findings import MAX_FORMATS
from gateways.ytdlp.runner import Runner
from runtime.tools import find_js_runtime
from tests.gateways.looking import PROBE, look_order, probed
from tests.support.fetching import running
from tests.support.shelf import Shelf
from tests.support.sink import Sink
from tests.support.site import Site
from tests.support.waiting import eventually

ONLY_THE_SITE = AddressPolicy(
    allow_private=(ip_network("127.0.0.1/32"),), ports=(80, 443), deny_hosts=()
)


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


@pytest.fixture(scope="module")
async def captured() -> AsyncGenerator[Runner]:
    """Its children do as the address says, instead of yt-dlp."""
    async with running(program=PROBE) as shared:
        yield shared


async def test_formats_are_told_the_best_last(runner: Runner, site: Site) -> None:
    found = await runner.look(look_order(site.url("/dash/manifest.mpd")))

    assert [one.height for one in found.formats] == [None, 120, 240]
    assert found.entries is None


async def test_a_list_is_told_up_to_a_bound(runner: Runner) -> None:
    with Shelf() as shelf:
        found = await runner.look(look_order(shelf.url("/feed", items=100), max_entries=4))

    assert found.entries is not None
    assert [one.url for one in found.entries] == [f"http://video.example/{n}" for n in range(4)]


async def test_what_has_no_video_is_unsupported(runner: Runner) -> None:
    with Shelf() as shelf, pytest.raises(failures.UnsupportedSiteError):
        await runner.look(look_order(shelf.url("/nothing")))


async def test_a_look_that_takes_too_long_is_ended_with_its_process(runner: Runner) -> None:
    with Shelf() as shelf:
        shelf.delay_s = 60
        with pytest.raises(failures.TimedOutError):
            await runner.look(look_order(shelf.url("/feed"), time_limit_s=0.5))

        await eventually(lambda: not shelf.journal[0].is_open, what="the end of the child")


async def test_a_cancelled_look_leaves_no_process(runner: Runner) -> None:
    with Shelf() as shelf:
        shelf.delay_s = 60
        task = asyncio.create_task(runner.look(look_order(shelf.url("/feed"))))
        await eventually(lambda: shelf.journal, what="the look")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await eventually(lambda: not shelf.journal[0].is_open, what="the end of the child")


async def test_a_server_that_dies_interrupts_the_look() -> None:
    with Shelf() as shelf:
        shelf.delay_s = 60
        async with running() as own:
            task = asyncio.create_task(own.look(look_order(shelf.url("/feed"))))
            await eventually(lambda: shelf.journal, what="the look")
            await own.close()
            with pytest.raises(failures.InterruptedDownloadError):
                await task


async def test_an_address_that_leads_inside_is_forbidden(site: Site) -> None:
    with Sink() as sink:
        async with running(policy=ONLY_THE_SITE) as own:
            led = site.url("/redirect", to=f"http://127.0.0.2:{sink.port}/x.mp4")
            with pytest.raises(failures.ForbiddenAddressError):
                await own.look(look_order(led))

        assert sink.callers == []


async def test_a_javascript_runtime_works_without_a_place_to_write() -> None:
    deno = find_js_runtime()
    assert deno is not None
    # As yt-dlp starts it; a word of warning would be a failure to it.
    code = (
        "import subprocess; done = subprocess.run([str(look.tools.js_runtime), 'run', '--ext=js',"
        "'--no-code-cache', '--no-prompt', '--no-remote', '--no-lock', '--node-modules-dir=none',"
        "'--no-config', '-'], input='console.log(6*7)', capture_output=True, text=True);"
        "came = done.returncode, done.stdout, done.stderr"
    )

    async with running(program=PROBE, js_runtime=deno) as own:
        found = await probed(own, code)

    assert found.title == "(0, '42\\n', '')"


@pytest.mark.parametrize(
    "code",
    [
        "came = open('/tmp/left', 'w')",
        "came = open('left', 'w')",
        "import os; came = os.mkdir('/tmp/left')",
        "import os; came = open(os.environ['HOME'] + '/left', 'w')",
        "came = open('/etc/passwd').read()",
        "import os; came = os.listdir('/tmp')",
        "import os; came = os.listdir('.')",
        "import subprocess; came = subprocess.run(['/bin/sh', '-c', 'id'])",
        "import os; came = os.truncate('/dev/shm', 0)",
    ],
)
async def test_a_captured_look_reads_writes_and_starts_nothing(captured: Runner, code: str) -> None:
    found = await probed(captured, code)

    assert found.title.startswith(("PermissionError", "FileNotFoundError", "IsADirectoryError"))


async def test_a_captured_look_has_no_net_but_the_gate(captured: Runner) -> None:
    with Sink() as sink:
        found = await probed(
            captured,
            f"import socket; came = socket.create_connection(('127.0.0.1', {sink.port}), 5)",
        )
        heard = sink.callers

    assert found.title.startswith(("ConnectionRefusedError", "PermissionError"))
    assert heard == []


async def test_a_captured_look_knows_no_secret(captured: Runner) -> None:
    found = await probed(captured, "import os; came = sorted(os.environ)")

    names = {"DENO_DIR", "HOME", "LANG", "PATH", "TMPDIR", "YTDLP_NO_PLUGINS"}
    assert found.title == repr(sorted(names))


@pytest.mark.parametrize(
    "code",
    [
        f"[tell(Format(format_id=str(n))) for n in range({MAX_FORMATS} + 1)]",
        "[tell(Entry(url=f'http://video.example/{n}', title='', index=n + 1)) for n in range(6)]",
        "from domain.download import Progress; tell(Progress(downloaded_bytes=1))",
    ],
)
async def test_a_child_that_says_more_than_a_look_could_is_not_believed(
    captured: Runner, code: str
) -> None:
    with pytest.raises(failures.UnexpectedError):
        await probed(captured, code)


async def test_what_a_child_says_is_made_sound(captured: Runner) -> None:
    found = await probed(
        captured,
        "tell(Format(format_id='a]+all[b'));"
        "tell(Format(format_id='1', ext='x' * 999, width=-1, tbr=float('nan'), note='\\0\\u202e'));"
        "tell(Format(format_id='2', height=10**30, fps=1e300))",
    )

    first, second = found.formats
    assert (first.format_id, len(first.ext or "")) == ("1", 40)
    assert (first.width, first.tbr, first.note) == (None, None, None)
    assert (second.height, second.fps) == (None, None)


async def test_a_child_that_says_nothing_is_not_believed(captured: Runner) -> None:
    with pytest.raises(failures.InterruptedDownloadError):
        await probed(captured, "import os, signal; os._exit(3)")
