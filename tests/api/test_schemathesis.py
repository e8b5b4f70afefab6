"""Schemathesis against the whole program: what the document says is what is answered."""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.program import Program
from tests.support.site import Site

FOLDER = Path(__file__).parent
ACCOUNT = re.compile(r"^ +(?:e-mail|password) +(\S+)$", re.MULTILINE)
LOGOUT = "/api/v1/auth/logout"
SETTINGS = {
    "VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]',
    "VASSET_EGRESS__SANDBOX": "prefer",
    "VASSET_DOWNLOADS__PARSE_TIMEOUT_S": "5",
    # Enough to see each answer, few enough to leave the machine to the requests.
    "VASSET_QUOTA__DAILY_DOWNLOADS": "60",
    "VASSET_AUTH__LOGIN_ATTEMPTS_PER_ACCOUNT": "1000000",
    "VASSET_AUTH__LOGIN_ATTEMPTS_PER_ADDRESS": "1000000",
    "VASSET_AUTH__REGISTRATIONS_PER_ADDRESS": "1000000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The program, its first account, and a site that it may fetch from."""

    url: str
    email: str
    password: str
    site_url: str

    def token(self) -> str:
        account = {"email": self.email, "password": self.password}
        answer = httpx.post(f"{self.url}/api/v1/auth/login", json=account, timeout=30)
        return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def running(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with Program(tmp_path_factory.mktemp("api") / "data", SETTINGS) as program:
        email, password = ACCOUNT.findall(program.output)
        yield Running(
            url=program.url, email=email, password=password, site_url=site.url("").rstrip("/")
        )


@pytest.mark.parametrize("paths", [f"--exclude-path={LOGOUT}", f"--include-path={LOGOUT}"])
def test_the_api_is_as_its_document_says(running: Running, examples: int, paths: str) -> None:
    # The logout by itself, because it ends the token that all others need.
    tool = Path(sys.executable).with_name("st")

    told = subprocess.run(  # noqa: S603 - a tool of ours
        [
            *(str(tool), f"--config-file={FOLDER / 'schemathesis.toml'}", "run"),
            *(f"{running.url}/openapi.json", paths, "--checks=all", "--continue-on-failure"),
            *("--seed=1", f"--max-examples={examples}", "--no-color", "--output-truncate=false"),
        ],
        cwd=FOLDER.parents[1],
        env=os.environ  # noqa: TID251 - it needs PATH
        | {
            "SCHEMATHESIS_HOOKS": "tests.api.hooks",
            "PYTHONPATH": ".",
            "API_TOKEN": running.token(),
            "SITE_URL": running.site_url,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr
