"""One real fetch from a loopback server of its own, before the fork server serves."""

import os
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from domain.requests import Wish
from gateways.ytdlp import cage, child
from gateways.ytdlp.options import ChildOrder, FetchLimits, Tools
from gateways.ytdlp.protocol import Start

# A file that a browser would not play; yt-dlp looks no further than its type.
_VIDEO = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
# In a page every extractor looks for what it knows: 1.3 s for the first, 0.1 s for the next.
_PAGE = b'<!doctype html><title>x</title><meta property="og:video" content="/warm.mp4">'


class _OnePage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with a page, and with the small video on it."""
        is_page = self.path.endswith(".html")
        body, media_type = (_PAGE, "text/html") if is_page else (_VIDEO, "video/mp4")
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


def warm_up() -> None:
    """Load and compile in this process what every fetch takes.

    A failure costs time later, never correctness: it is not one of the server.
    """
    with _loopback() as port, tempfile.TemporaryDirectory(prefix="vasset-") as folder:
        order = ChildOrder(
            wish=Wish(url=f"http://127.0.0.1:{port}/warm.html"),
            staging=Path(folder),
            token="",
        )
        limits = FetchLimits(
            max_bytes=1024 * 1024,
            time_limit=timedelta(seconds=20),
            stall_timeout=timedelta(seconds=20),
            connections=1,
        )
        child.warm(
            Start(job=0, order=order, limits=limits, tools=Tools(ffmpeg=None, js_runtime=None))
        )


@contextmanager
def _loopback() -> Generator[int]:
    """Serve the page from a fork, because this process may have one thread only."""
    server = HTTPServer(("127.0.0.1", 0), _OnePage)
    parent = os.pidfd_open(os.getpid())
    pid = os.fork()
    if pid == 0:
        cage.die_with_parent(parent)
        server.serve_forever()
    os.close(parent)
    port = server.server_port
    server.server_close()
    try:
        yield port
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
