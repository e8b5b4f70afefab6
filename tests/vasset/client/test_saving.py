"""What `get` saves: the whole of it, under a name of its own, or nothing."""

import re

from tests.support.meddler import Meddler
from tests.support.media import kinds_of_streams
from tests.support.site import Site
from tests.support.terminal import Shell
from tests.vasset.client.words import get, md5


def test_a_transfer_that_breaks_off_goes_on_where_it_was(
    shell: Shell, meddler: Meddler, site: Site
) -> None:
    meddler.cuts_after = 300_000

    done = shell.run(*get(shell, site.clip_url(63, size=1_000_000)))

    assert done.returncode == 0, done.stderr
    ranges = [re.search(r"(?m)^range: bytes=(\d+)-", r, re.IGNORECASE) for r in meddler.requests]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert 250_000 < int(ranges[1][1]) < 300_000
    assert f'"{site.md5("/clips/63.mp4?size=1000000")}"' in meddler.requests[1]
    assert md5(shell.videos / "63.mp4") == site.md5("/clips/63.mp4?size=1000000")
    assert shell.saved() == ["63.mp4"]


def test_a_file_that_was_changed_on_its_way_is_not_kept(
    shell: Shell, meddler: Meddler, site: Site
) -> None:
    meddler.spoils = True

    done = shell.run(*get(shell, site.clip_url(64)))

    assert done.returncode == 1
    assert "MD5" in done.stderr
    assert shell.saved() == []


def test_a_part_that_was_spoiled_is_fetched_anew(shell: Shell, site: Site) -> None:
    true = site.md5("/clips/65.mp4")
    shell.videos.mkdir()
    (shell.videos / f"65.mp4.{true[:12]}.part").write_bytes(b"\0" * 5_000)

    done = shell.run(*get(shell, site.clip_url(65)))

    assert (done.returncode, shell.saved()) == (0, ["65.mp4"])
    assert md5(shell.videos / "65.mp4") == true


def test_another_file_of_the_name_stays_and_the_same_one_is_not_fetched_again(
    shell: Shell, meddler: Meddler, site: Site
) -> None:
    shell.videos.mkdir()
    (shell.videos / "66.mp4").write_text("mine")

    first = shell.run(*get(shell, site.clip_url(66)))
    again = shell.run(*get(shell, site.clip_url(66)))

    assert (first.returncode, again.returncode) == (0, 0)
    assert shell.saved() == ["66 (1).mp4", "66.mp4"]
    assert (shell.videos / "66.mp4").read_text() == "mine"
    assert len(meddler.requests) == 1


def test_a_link_in_place_of_the_part_is_not_written_through(shell: Shell, site: Site) -> None:
    shell.videos.mkdir()
    victim = shell.home / "victim"
    victim.write_text("precious")
    link = shell.videos / f"67.mp4.{site.md5('/clips/67.mp4')[:12]}.part"
    link.symlink_to(victim)

    done = shell.run(*get(shell, site.clip_url(67)))

    assert done.returncode == 1
    assert victim.read_text() == "precious"


def test_a_redirect_to_another_host_does_not_get_the_key(
    shell: Shell, meddler: Meddler, site: Site
) -> None:
    meddler.diverts_to = site.url("/clips/68.mp4", elsewhere="yes")

    done = shell.run(*get(shell, site.clip_url(68)))

    heard = [r for r in site.requests_for("/clips/68.mp4") if "elsewhere" in r.query]
    assert done.returncode == 1
    assert len(heard) == 1
    assert "authorization" not in {name.lower() for name in heard[0].headers}
    assert "Bearer" in meddler.requests[0]


def test_the_sound_of_a_video_is_saved_in_the_form_that_is_wished(shell: Shell, site: Site) -> None:
    form = ("--quality", "audio", "--container", "mp3", "--bitrate", "64")

    done = shell.run(*get(shell, site.clip_url(68), *form))

    assert done.returncode == 0, done.stderr
    assert shell.saved() == ["68.mp3"]
    assert kinds_of_streams(shell.videos / "68.mp3") == ["Audio"]


def test_a_form_that_contradicts_itself_is_a_usage_error(shell: Shell, site: Site) -> None:
    done = shell.run(*get(shell, site.clip_url(68), "--container", "mp3"))

    assert done.returncode == 2
    assert "quality" in done.stderr
    assert shell.saved() == []
