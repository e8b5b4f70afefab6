"""The wheel: what `pipx install` makes of it works without the sources beside it."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path

import httpx

from tests.conftest import installed
from tests.support.parts import MissingPartError, find_program
from tests.support.program import Program

TOP = Path(__file__).parents[2]


def pip(*words: str | Path) -> None:
    done = said(sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words))
    assert done.returncode == 0, done.stderr


def said(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own program
        words,
        env=os.environ | environment,  # noqa: TID251 - it needs PATH
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def builder() -> str:
    part = "hatchling"
    if importlib.util.find_spec(part) is None:
        raise MissingPartError(part, "pip install -e '.[test]'")
    return part


def test_one_line_puts_the_command_on_the_path(tmp_path: Path) -> None:
    make = str(installed(lambda: find_program("make", "apt-get install make")))
    # What is installed here stays as it is.
    words = [make, "-C", str(TOP), "-o", ".venv/installed", "install", f"BIN={tmp_path}/bin"]

    done = said(*words)
    told = said("vasset", "--version", PATH=f"{tmp_path}/bin:{os.defpath}")

    assert done.returncode == 0, done.stderr
    assert f'export PATH="{tmp_path}/bin:$PATH"' in done.stdout
    assert told.stdout == f"vasset {version('vasset')}\n"


def test_a_wheel_brings_all_that_a_whole_server_needs(tmp_path: Path) -> None:
    installed(builder)
    options = ("--no-deps", "--no-index")
    pip("wheel", *options, "--no-build-isolation", "--wheel-dir", tmp_path, TOP)
    (wheel,) = tmp_path.glob("vasset-*.whl")
    home = tmp_path / "home"
    venv.create(home)
    pip("--python", home / "bin" / "python", "install", *options, wheel)
    # Its dependencies are those of the tests; its own code comes before theirs.
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "tests.pth").write_text(sysconfig.get_path("purelib"))

    where = said(str(home / "bin" / "python"), "-P", "-c", "import web; print(web.__file__)")
    told = said(str(home / "bin" / "vasset"), "--version")
    with Program(tmp_path / "data", {}, program=[str(home / "bin" / "vasset")]) as program:
        words = [word for process in program.family() for word in process.cmdline()]
        page = httpx.get(program.url, timeout=30)

    assert where.stdout.startswith(str(packages)), where
    assert told.stdout == f"vasset {version('vasset')}\n"
    assert page.status_code == 200
    assert str(home / "bin" / "python") in words
