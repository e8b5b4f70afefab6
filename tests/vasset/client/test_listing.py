"""`vasset ls`: what a person reads on a terminal, and what a script reads from a pipe."""

import json

from tests.support.site import Site
from tests.support.terminal import Shell
from tests.vasset.client.words import get


def test_a_terminal_says_what_a_download_waits_for_and_a_pipe_its_status_alone(
    shell: Shell, site: Site
) -> None:
    url = site.held_url(301)
    for _ in range(2):
        assert shell.run(*get(shell, url), "--no-wait").returncode == 0
    only = ("ls", "--search", "301.mp4")

    listed = json.loads(shell.run(*only, "--json").stdout)
    piped = shell.run(*only).stdout
    status, shown = shell.on_terminal(*only)
    ids = [str(row["history_id"]) for row in listed]
    for history_id in ids:
        shell.run("rm", history_id)

    waiting = listed[0]
    assert waiting["waiting"]["reason"] == "duplicate"
    assert piped.split("\n")[0].split("\t")[1] == "queued"
    assert status == 0
    assert "queued (duplicate)" in shown
