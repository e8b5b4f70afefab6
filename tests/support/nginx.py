"""nginx as deploy/nginx sets it up, in front of one web process."""

import os
import pwd
import shutil
from pathlib import Path

from tests.support.parts import find_program
from tests.support.ports import free_port, is_listening
from tests.support.service import Service

DEPLOYED = Path(__file__).parents[2] / "deploy" / "nginx"


class Nginx(Service):
    """A real nginx with the configuration that is deployed, at other places.

    Args:
        upstream_port: Of the web process.
        root: The storage root that it sends from.
    """

    def __init__(self, upstream_port: int, root: Path) -> None:
        program = find_program("nginx", "apt-get install nginx-light")
        super().__init__()
        self._program = program
        self.port = free_port()
        text = (DEPLOYED / "nginx.conf").read_text(encoding="utf-8")
        for deployed, here in (
            ("user vasset;", f"user {own_name()};\ndaemon off;\nerror_log stderr;"),
            ("/run/nginx.pid", str(self.folder / "nginx.pid")),
            ("/var/log/nginx/vasset.log", str(self.log)),
            ("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream_port};"),
            ("listen 80;", f"listen 127.0.0.1:{self.port};"),
            ("default /data/vasset;", f"default {root};"),
            ("http {", f"http {{\n{self._temporary()}"),
        ):
            assert deployed in text, deployed
            text = text.replace(deployed, here)
        (self.folder / "nginx.conf").write_text(text, encoding="utf-8")
        for part in DEPLOYED.glob("vasset_*.conf"):
            shutil.copy(part, self.folder)

    @property
    def log(self) -> Path:
        """Its access log."""
        return self.folder / "access.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _temporary(self) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return "\n".join(f"    {kind}_temp_path {self.folder}/{kind};" for kind in kinds)

    def _command(self) -> list[str]:
        return [str(self._program), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _answers(self) -> bool:
        return is_listening(self.port)


def own_name() -> str:
    """Return who runs this: nginx started by root would give its files to nobody's workers."""
    return pwd.getpwuid(os.getuid()).pw_name
