"""Who lives on a node, by the locks that the kernel keeps."""

import subprocess
import sys
from pathlib import Path

from storage.holders import Holders

_HOLD = (
    "import sys; from pathlib import Path; from storage.holders import Holders\n"
    "with Holders(Path(sys.argv[1])).entered('other'):\n"
    "    print('in', flush=True); sys.stdin.read()"
)


def test_a_holder_lives_until_its_process_ends_however_that_ends(tmp_path: Path) -> None:
    holders = Holders(tmp_path)
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", _HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"

        before = holders.alive(["other", "never here", ""])
        holders.forget()
        kept = holders.alive(["other"])
        process.kill()
        process.wait()
        after = holders.alive(["other"])
        holders.forget()

    assert (before, kept, after) == (["other"], ["other"], [])
    assert list((tmp_path / ".holders").iterdir()) == []


def test_a_root_that_is_away_has_no_holders(tmp_path: Path) -> None:
    holders = Holders(tmp_path / "away")

    holders.forget()

    assert holders.alive(["h"]) == []
