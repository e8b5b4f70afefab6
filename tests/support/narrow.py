"""nginx as sources set it up that allow few connections at once."""

from pathlib import Path

from tests.support.nginx import own_name
from tests.support.parts import find_program
from tests.support.ports import free_port, is_listening
from tests.support.service import Service


class NarrowSource(Service):
    """Serves a folder slowly, to so many connections at once; the others get 503.

    Args:
        connections: How many, over all clients.
        media: The folder.
        rate: Bytes a second of each connection.
    """

    def __init__(self, connections: int, media: Path, *, rate: str = "60k") -> None:
        program = find_program("nginx", "apt-get install nginx-light")
        super().__init__()
        self._program = program
        self.port = free_port()
        self.log = self.folder / "access.log"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        (self.folder / "nginx.conf").write_text(
            f"""
            user {own_name()}; daemon off; error_log stderr; pid {self.folder}/nginx.pid;
            worker_processes 1;
            events {{ worker_connections 64; }}
            http {{
                {temporary}
                types {{ video/mp4 mp4; video/mp2t ts; application/vnd.apple.mpegurl m3u8; }}
                log_format short "$status $uri";
                access_log {self.log} short;
                limit_conn_zone $server_port zone=all:1m;
                limit_conn all {connections};
                limit_rate {rate};
                server {{ listen 127.0.0.1:{self.port}; root {media}; }}
            }}
            """,
            encoding="utf-8",
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def refusals(self) -> int:
        """How many requests it has refused."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return sum(line.startswith("503 ") for line in lines)

    def _command(self) -> list[str]:
        return [str(self._program), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _answers(self) -> bool:
        return is_listening(self.port)
