"""`vasset audit` on a real database."""

import json
from pathlib import Path

from tests.vasset.test_commands import SECRET, vasset


def test_what_commands_did_is_shown(database_url: str, tmp_path: Path) -> None:
    environment = {"VASSET_DATABASE__URL": database_url, "VASSET_AUTH__SECRET": SECRET * 2}

    def run(*words: str) -> tuple[int, str]:
        done = vasset(*words, data=tmp_path, environment=environment)
        return done.returncode, done.stdout + done.stderr

    run("user", "add", "ada@example.org")
    run("user", "passwd", "ada@example.org")
    shown = run("audit", "--user", "ada@example.org")
    entries = json.loads(run("audit", "--action", "password", "--json")[1])
    unknown = run("audit", "--action", "nonsense")
    nobody = run("audit", "--user", "eve@example.org")

    assert [line.split()[2] for line in shown[1].splitlines()] == ["password", "register"]
    assert [(e["action"], e["actor_id"], e["network"]) for e in entries] == [
        ("password", None, None)
    ]
    assert (unknown[0], nobody[0]) == (1, 1)
    assert "there are: register" in unknown[1]
