"""docs/api.md: what it tells people to type does what it says."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

from tests.conftest import installed
from tests.support.parts import find_program
from tests.support.program import Program
from tests.support.site import Site

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_its_lines_work_as_they_stand(tmp_path: Path, site: Site) -> None:
    installed(lambda: find_program("curl", "apt-get install curl"))
    script = "\n".join(_BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    with Program(tmp_path / "data", {"VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]'}) as here:
        for there, ours in (
            ("http://127.0.0.1:8080", here.url),
            ("https://example.com/video.mp4", site.url("/clips/90.mp4")),
        ):
            assert script.count(there) == 1, there
            script = script.replace(there, ours)
        done = subprocess.run(  # noqa: S603 - our own page
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},  # noqa: TID251 - for curl
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    assert done.returncode == 0, f"{done.stdout[-1500:]}\n{done.stderr}"
    digest = hashlib.md5((tmp_path / "video.mp4").read_bytes()).hexdigest()  # noqa: S324
    assert digest == site.md5("/clips/90.mp4")
    for said in (digest, '"vst_', '"whsec_', "422, forbidden_address"):
        assert said in done.stdout, said
