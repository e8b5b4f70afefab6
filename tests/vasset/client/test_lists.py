"""`vasset get` of an address that leads to several videos."""

import json
from pathlib import Path

import pytest

from tests.support.site import Site
from tests.support.terminal import Shell
from tests.vasset.client.conftest import OPEN_LOOPBACK
from tests.vasset.client.words import get, md5


def test_all_of_a_page_are_saved_once_their_number_is_said(shell: Shell, site: Site) -> None:
    numbers = range(200, 208)
    url = site.several_url(*numbers)

    done = shell.run(*get(shell, url))
    failed = shell.run("ls", "--status", "failed", "--search", "clips=200")

    assert done.returncode == 0, done.stderr
    assert f"{url} is a list of 8 videos (Several)" in done.stderr
    assert shell.saved() == [f"Several ({place}).mp4" for place in range(1, 9)]
    assert [md5(shell.videos / name) for name in shell.saved()] == [
        site.md5(f"/clips/{number}.mp4") for number in numbers
    ]
    assert failed.stdout == ""


def test_the_first_alone_is_taken_on_purpose(shell: Shell, site: Site) -> None:
    done = shell.run(*get(shell, site.several_url(210, 211), "--first"))

    (name,) = shell.saved()
    assert done.returncode == 0, done.stderr
    assert md5(shell.videos / name) == site.md5("/clips/210.mp4")


def test_some_are_taken_by_their_places(shell: Shell, site: Site) -> None:
    url = site.feed_url(*range(220, 228))

    done = shell.run(*get(shell, url, "--entries", "1-2,7"))

    assert done.returncode == 0, done.stderr
    assert "8 videos (Feed); 3 of them are wanted" in done.stderr
    assert shell.saved() == ["Episode 220.mp4", "Episode 221.mp4", "Episode 226.mp4"]


def test_a_place_that_is_not_there_is_said_and_nothing_is_taken(shell: Shell, site: Site) -> None:
    done = shell.run(*get(shell, site.feed_url(230, 231), "--entries", "1,3"))

    assert (done.returncode, shell.saved()) == (1, [])
    assert "has no video 3" in done.stderr


@pytest.mark.parametrize(
    "words",
    [("--entries", "0"), ("--entries", "3-1"), ("--entries", ""), ("--first", "--entries", "1")],
)
def test_a_choice_that_means_nothing_is_one_line(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell.run(*get(shell, "https://example.com/", *words))

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_terminal_is_asked_before_more_than_one_is_taken(shell: Shell, site: Site) -> None:
    url = site.several_url(240, 241)

    no = shell.on_terminal(*get(shell, url), said="n\n", when="[y/N]: ")
    nothing = shell.saved()
    yes = shell.on_terminal(*get(shell, url), said="y\n", when="[y/N]: ")

    assert (no[0], nothing) == (1, []), no[1]
    assert "is a list of 2 videos" in no[1]
    assert yes[0] == 0, yes[1]
    assert shell.saved() == ["Several (1).mp4", "Several (2).mp4"]


def test_json_says_it_too(shell: Shell, site: Site) -> None:
    url = site.several_url(250, 251)

    done = shell.run(*get(shell, url, site.clip_url(252), "--json"))

    events = [json.loads(line) for line in done.stdout.splitlines()]
    listed = next(event for event in events if event["event"] == "listed")
    assert (done.returncode, done.stderr) == (0, "")
    assert (listed["url"], listed["entries"], listed["truncated"]) == (url, 2, False)
    assert sum(event["event"] == "saved" for event in events) == 3


def test_a_list_that_is_longer_than_the_server_takes_is_not_all_well(
    tmp_path: Path, site: Site
) -> None:
    shell = Shell(tmp_path, **OPEN_LOOPBACK, VASSET_DOWNLOADS__MAX_PLAYLIST_ENTRIES="2")

    done = shell.run(*get(shell, site.feed_url(260, 261, 262)))

    assert (done.returncode, shell.saved()) == (1, ["Episode 260.mp4", "Episode 261.mp4"])
    assert "is a list of more than 2 videos (Feed); the server takes the first 2" in done.stderr
    assert "only the first 2 videos of this list were asked for" in done.stderr


def test_a_place_beyond_what_the_server_names_can_be_had(tmp_path: Path, site: Site) -> None:
    shell = Shell(tmp_path, **OPEN_LOOPBACK, VASSET_DOWNLOADS__MAX_PLAYLIST_ENTRIES="2")

    done = shell.run(*get(shell, site.several_url(270, 271, 272), "--entries", "2-3"))

    assert done.returncode == 0, done.stderr
    assert [md5(shell.videos / name) for name in shell.saved()] == [
        site.md5("/clips/271.mp4"),
        site.md5("/clips/272.mp4"),
    ]
