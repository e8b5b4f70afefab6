"""Media, site and proxies as programs see them that know nothing of the tests."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from subprocess import PIPE
from typing import IO, cast

import httpx
import pytest

from tests.support.content import md5, write
from tests.support.dead_proxy import DeadProxy
from tests.support.media import about, find_ffmpeg
from tests.support.ports import free_port
from tests.support.proxy import ForwardProxy
from tests.support.site import HOSTILE_TITLES, Site
from tests.support.waiting import eventually_sync


@pytest.fixture(scope="module")
def proxy() -> Generator[ForwardProxy]:
    with ForwardProxy() as made:
        yield made


@pytest.fixture(scope="module")
def client() -> Generator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=2) as made:
        yield made


def fetch(url: str, folder: Path, *options: str) -> Path:
    command = [sys.executable, "-m", "yt_dlp", "--ignore-config", "--quiet", "--no-warnings"]
    places = ["--ffmpeg-location", str(find_ffmpeg()), "--paths", str(folder)]
    subprocess.run(  # noqa: S603 - yt-dlp with arguments of our own
        [*command, *places, *options, url], check=True, env={}, timeout=30
    )
    (file,) = folder.iterdir()
    return file


def test_yt_dlp_fetches_the_true_bytes_of_a_clip(site: Site, tmp_path: Path) -> None:
    file = fetch(site.clip_url(3, size=300_000), tmp_path)

    true_copy = write(site.media.padded(300_000, 3), tmp_path / "true")
    assert file.read_bytes() == true_copy.read_bytes()
    assert site.md5("/clips/3.mp4?size=300000") == md5(site.media.padded(300_000, 3))
    assert site.requests_for("/clips/3.mp4")[-1].bytes_sent == 300_000


def test_yt_dlp_joins_all_segments_of_hls(site: Site, tmp_path: Path) -> None:
    site.forget()

    file = fetch(site.url("/hls/index.m3u8"), tmp_path)

    assert "Duration: 00:00:06" in about(file)
    assert len([request for request in site.journal if request.path.endswith(".ts")]) == 6


def test_yt_dlp_merges_the_best_picture_and_the_sound_of_dash(site: Site, tmp_path: Path) -> None:
    told = about(fetch(site.url("/dash/manifest.mpd"), tmp_path))

    assert "320x240" in told
    assert "Audio: aac" in told


def test_yt_dlp_finds_the_clip_and_the_title_of_a_page(site: Site, tmp_path: Path) -> None:
    page = site.watch_url(5, HOSTILE_TITLES[4], size=200_000)

    file = fetch(page, tmp_path, "--output", "%(title)s.%(ext)s")

    assert file.stat().st_size == 200_000
    assert file.stem == "＜script＞alert(1)＜⧸script＞"  # noqa: RUF001 - how yt-dlp spells it


def test_each_number_has_its_own_bytes(site: Site) -> None:
    paths = [f"/clips/{n}.mp4{size}" for n in range(20) for size in ("", "?size=1048576")]

    assert len({site.md5(path) for path in paths}) == 40


def test_a_clip_is_given_in_parts(site: Site, client: httpx.Client) -> None:
    whole = client.get(site.clip_url(1)).content

    for wanted, part in (("0-9", whole[:10]), ("100-", whole[100:]), ("-7", whole[-7:])):
        answer = client.get(site.clip_url(1), headers={"Range": f"bytes={wanted}"})
        assert (answer.status_code, answer.content) == (206, part)
    assert client.get(site.clip_url(1), headers={"Range": "bytes=999999-"}).status_code == 416


def test_the_site_answers_with_any_status(site: Site, client: httpx.Client) -> None:
    busy = client.get(site.url("/status/429", retry_after=1))
    flaky = [client.get(site.url("/flaky/a", times=2, status=502)).status_code for _ in range(3)]
    moved = client.get(site.url("/redirect", to=site.clip_url(1)))

    assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
    assert flaky == [502, 502, 200]
    assert moved.headers["location"] == site.clip_url(1)
    assert "text/html" not in client.get(site.url("/lies.mp4")).headers["content-type"]


def test_the_site_cuts_and_stalls_where_it_is_told(site: Site, client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(site.clip_url(6, cut_after=50_000))
    with pytest.raises(httpx.ReadTimeout):
        client.get(site.clip_url(7, stall_after=50_000), timeout=0.2)

    assert site.requests_for("/clips/6.mp4")[-1].bytes_sent == 50_000
    assert site.requests_for("/clips/7.mp4")[-1].bytes_sent == 50_000
    eventually_sync(lambda: not site.requests_for("/clips/7.mp4")[-1].is_open)


def test_a_slow_body_keeps_its_pace(site: Site, client: httpx.Client) -> None:
    answer = client.get(site.url("/hls/index.m3u8", bytes_per_s=1000))

    assert answer.elapsed.total_seconds() > 0.2


def test_the_site_ends_at_once_with_a_stalled_client(site: Site) -> None:
    with Site(site.media) as brief, httpx.Client(trust_env=False, timeout=30) as reader:
        stalled = brief.url("/endless.mp4", stall_after=500_000)
        with reader.stream("GET", stalled) as answer:
            assert "content-length" not in answer.headers
            brief.close()
            eventually_sync(lambda: not brief.journal[0].is_open, timeout_s=0.5)


def test_the_bytes_go_through_the_proxy(site: Site, proxy: ForwardProxy, tmp_path: Path) -> None:
    fetch(site.clip_url(8, size=400_000), tmp_path, "--proxy", proxy.url)

    seen = [passage for passage in proxy.journal if passage.path.startswith("/clips/8.mp4")]
    assert {(passage.host, passage.port) for passage in seen} == {("127.0.0.1", site.port)}
    assert seen[-1].bytes_received > 400_000
    assert len(site.requests_for("/clips/8.mp4")) == len(seen)


def test_the_proxy_keeps_hosts_apart_on_one_connection(site: Site, proxy: ForwardProxy) -> None:
    with (
        Site(site.media) as other,
        httpx.Client(trust_env=False, proxy=proxy.url, timeout=30) as client,
    ):
        for place in (site, other, site):
            assert client.get(place.clip_url(9)).status_code == 200

        assert len(other.requests_for("/clips/9.mp4")) == 1
        assert "proxy-authorization" not in other.journal[0].headers


def test_the_proxy_wants_its_password(site: Site, proxy: ForwardProxy) -> None:
    wrong = proxy.url.replace(proxy.password, "wrong")

    for address in (proxy.url_without_password, wrong):
        with httpx.Client(trust_env=False, proxy=address, timeout=30) as client:
            assert client.get(site.clip_url(1)).status_code == 407


def test_a_dead_proxy_resets_or_is_silent(site: Site) -> None:
    # A reset that the client notices while it still writes is to httpx an end without an answer.
    reset = (httpx.NetworkError, httpx.RemoteProtocolError)
    for is_silent, error in ((False, reset), (True, httpx.ReadTimeout)):
        with (
            DeadProxy(is_silent=is_silent) as dead,
            httpx.Client(trust_env=False, proxy=dead.url, timeout=0.2) as client,
            pytest.raises(error),
        ):
            client.get(site.clip_url(1))


def test_no_two_living_processes_are_told_the_same_port() -> None:
    many = "[free_port() for _ in range(50)]"
    code = f"from tests.support.ports import free_port; print(*{many}, flush=True); input()"
    others = [
        subprocess.Popen(  # noqa: S603 - the code above
            [sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, text=True
        )
        for _ in range(4)
    ]
    told = [cast("IO[str]", other.stdout).readline().split() for other in others]
    ours = [str(free_port()) for _ in range(50)]
    for other in others:
        other.communicate("\n")

    assert [len(ports) for ports in told] == [50] * 4
    assert len(set(ours).union(*told)) == 250
