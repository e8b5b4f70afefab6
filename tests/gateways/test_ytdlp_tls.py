"""An origin must prove who it is; behind a proxy that opens what goes through it, it cannot."""

import ssl
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from domain import failures
from gateways.ytdlp.runner import Runner
from tests.support.certificates import self_signed
from tests.support.fetching import ignore, order, running
from tests.support.proxy import ForwardProxy


class _Recorded(BaseHTTPRequestHandler):
    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a server with a certificate that nobody signed."""
    made = self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Recorded) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with closing(server.socket):
            yield f"https://127.0.0.1:{server.server_port}/clip.mp4"
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


async def test_a_certificate_that_nobody_signed_is_refused(
    runner: Runner, stranger: str, tmp_path: Path
) -> None:
    with pytest.raises(failures.SourceTroubleError):
        await runner.fetch(order(stranger, tmp_path), ignore)

    assert _Recorded.paths == []


async def test_behind_a_proxy_it_is_the_proxy_that_is_not_trusted(
    runner: Runner, stranger: str, tmp_path: Path
) -> None:
    with ForwardProxy(password="s3cret") as proxy, pytest.raises(failures.ProxyFaultError):
        await runner.fetch(order(stranger, tmp_path, proxy.url), ignore)

    assert _Recorded.paths == []
