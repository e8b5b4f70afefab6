"""What a hostile site answers: nothing of it becomes a completed download, none leads inside."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from domain import failures
from domain.addresses import AddressPolicy
from domain.failures import DownloadError
from domain.warnings import WarningCode
from gateways.ytdlp.kinds import EXTENSIONS
from gateways.ytdlp.runner import Runner
from tests.gateways.tricks import Trickster
from tests.support.fetching import LIMITS, ignore, order, running
from tests.support.sink import Sink
from tests.support.site import Site

# The site may be reached, what it leads to may not.
ONLY_THE_SITE = AddressPolicy(
    allow_private=(ip_network("127.0.0.1/32"),), ports=(80, 443), deny_hosts=()
)
SECRET = b"the video of another user"


@pytest.fixture(scope="module")
def trickster(site: Site) -> Generator[Trickster]:
    with Trickster(site.media.clip.read_bytes()) as running_site:
        yield running_site


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running(policy=ONLY_THE_SITE) as shared:
        yield shared


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / "1.1"
    folder.mkdir()
    return folder


@pytest.fixture
def sink(trickster: Trickster, site: Site, tmp_path: Path) -> Generator[Sink]:
    """Who must hear nothing: a listener inside, and beside it another user's video."""
    trickster.victim = tmp_path / "victim.mp4"
    trickster.victim.write_bytes(site.media.clip.read_bytes() + SECRET)
    with Sink() as listener:
        trickster.inside = f"http://127.0.0.2:{listener.port}"
        yield listener
        assert listener.callers == []


def stolen(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and SECRET in file.read_bytes()]


@pytest.mark.parametrize(
    "name",
    [
        *("playlist", "master", "concat", "sdp", "dash", "spaced", "page", "zip", "script"),
    ],
)
@pytest.mark.usefixtures("sink")
async def test_what_is_known_to_be_no_video_is_refused_and_steals_nothing(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(failures.UnsupportedSiteError):
        await runner.fetch(order(trickster.url(f"/fake/{name}"), staging), ignore)

    assert stolen(staging) == []


@pytest.mark.parametrize("name", ["avi", "nothing", "noise"])
@pytest.mark.usefixtures("sink")
async def test_what_cannot_be_opened_is_corrupt_and_steals_nothing(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(failures.CorruptError):
        await runner.fetch(order(trickster.url(f"/fake/{name}"), staging), ignore)

    assert stolen(staging) == []


@pytest.mark.parametrize("name", ["theft", "file"])
@pytest.mark.usefixtures("sink")
async def test_a_playlist_cannot_name_another_users_file(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(DownloadError):
        await runner.fetch(order(trickster.url(f"/list/{name}"), staging), ignore)

    assert stolen(staging) == []


@pytest.mark.parametrize("name", ["cut", "unmeasured"])
async def test_a_video_with_its_end_missing_is_corrupt(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(failures.CorruptError):
        await runner.fetch(order(trickster.url(f"/broken/{name}"), staging), ignore)


async def test_a_whole_video_much_shorter_than_its_site_says_has_a_warning(
    runner: Runner, trickster: Trickster, staging: Path
) -> None:
    media = await runner.fetch(order(trickster.url("/page/long"), staging), ignore)

    assert [one.code for one in media.warnings] == [WarningCode.DURATION_MISMATCH]


@pytest.mark.parametrize(
    "name",
    [
        *("plain", "decimal", "hexadecimal", "octal", "short", "mapped", "loopback6", "local"),
        *("user", "relative", "again", "metadata"),
    ],
)
@pytest.mark.usefixtures("sink")
async def test_a_redirect_that_leads_inside_is_forbidden(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(failures.ForbiddenAddressError):
        await runner.fetch(order(trickster.url(f"/to/{name}"), staging), ignore)


@pytest.mark.parametrize("name", ["ftp", "file", "data", "gopher", "rtmp", "ws", "loop"])
@pytest.mark.usefixtures("sink")
async def test_a_redirect_to_nowhere_good_brings_nothing(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(DownloadError):
        await runner.fetch(order(trickster.url(f"/to/{name}"), staging), ignore)

    assert stolen(staging) == []


@pytest.mark.parametrize("name", ["refresh", "video", "iframe", "og", "ld"])
@pytest.mark.usefixtures("sink")
async def test_a_page_that_leads_inside_leads_nowhere(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(DownloadError):
        await runner.fetch(order(trickster.url(f"/page/{name}"), staging), ignore)


@pytest.mark.parametrize("name", ["segment", "key", "map", "second", "master"])
@pytest.mark.usefixtures("sink")
async def test_a_playlist_that_leads_inside_is_forbidden(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    with pytest.raises(failures.ForbiddenAddressError):
        await runner.fetch(order(trickster.url(f"/list/{name}"), staging), ignore)


async def test_a_playlist_with_a_part_missing_fails(
    runner: Runner, trickster: Trickster, staging: Path
) -> None:
    with pytest.raises(DownloadError):
        await runner.fetch(order(trickster.url("/list/missing"), staging), ignore)


async def test_a_body_that_unpacks_to_far_more_is_too_large(
    runner: Runner, trickster: Trickster, staging: Path
) -> None:
    with pytest.raises(failures.TooLargeError):
        await runner.fetch(order(trickster.url("/bomb"), staging), ignore)

    sizes = [file.stat().st_size for file in staging.rglob("*") if file.is_file()]
    assert max(sizes, default=0) <= LIMITS.max_bytes * 1.01


async def test_a_page_without_end_is_cut_off(trickster: Trickster, staging: Path) -> None:
    limits = replace(LIMITS, time_limit=timedelta(seconds=20))

    async with running(limits, policy=ONLY_THE_SITE) as runner:
        with pytest.raises((failures.TooLargeError, failures.TimedOutError)):
            await runner.fetch(order(trickster.url("/endless"), staging), ignore)


@pytest.mark.parametrize("name", ["v.php", "v.desktop", "v.sh", "v.url", "v.mp4%2f..%2fx", "v"])
async def test_no_address_chooses_an_extension(
    runner: Runner, trickster: Trickster, staging: Path, name: str
) -> None:
    try:
        media = await runner.fetch(order(trickster.url(f"/{name}"), staging), ignore)
    except (failures.UnsupportedSiteError, failures.CorruptError):
        media = None

    assert media is None or media.extension in EXTENSIONS
    assert {file.name for file in staging.iterdir()} <= {"home", "media.mp4"}
