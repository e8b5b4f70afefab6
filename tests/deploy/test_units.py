"""deploy/systemd: what systemd itself says of the units, and that they are closed."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.support.parts import find_program

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    program = installed(lambda: find_program("systemd-analyze", "apt-get install systemd"))
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/vasset/bin/vasset", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")

    done = subprocess.run(  # noqa: S603 - systemd's own program
        [program, "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(UNITS) == 4


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_no_root_and_has_no_secret_in_its_environment(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    environment = [line for line in lines if line.startswith("Environment=")]

    for wanted in ("User=vasset", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "UMask=0077"):
        assert wanted in lines
    assert "ProtectSystem=strict" in lines
    assert all(
        "_FILE=%d/" in line or "SETTINGS" in line or "SERVER__PORT" in line for line in environment
    )
