"""Serving: the app under uvicorn, with every limit of the connection."""

import gc
import resource
import signal
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import uvicorn
from typing_extensions import override
from uvicorn.server import HANDLED_SIGNALS

from runtime.settings import Settings
from storage.db import DatabaseError
from web.app import create_app
from web.progress.lines import Line
from web.transport.wire import Wire

STOP_AFTER_S = 5
MAX_SOCKET_MESSAGE = 65_536
PING_EVERY_S = 20
PONG_WITHIN_S = 10
MAX_DESCRIPTORS = 65_536
GARBAGE = (20_000, 20, 50)
UNREAD_MS = 20_000
"""A client that takes no byte for so long is gone, though its connection is still there."""


class _Server(uvicorn.Server):
    """Ends in good order when a signal asks for it.

    uvicorn by itself sends the signal to this process once more when it has stopped, which then
    looks killed to whoever started it.
    """

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; streams get five seconds to end. Return the exit status.

    Raises:
        SettingsError: ``auth.secret`` is too short.
        DatabaseError: The database cannot be reached at the start.
        OSError: The address cannot be listened on.
    """
    _allow_many_descriptors()
    _collect_seldom()
    server = _Server(config(settings))
    with ExitStack() as stack:
        sockets = [stack.enter_context(one) for one in listen(settings)]
        try:
            server.run(sockets=sockets)
        except SystemExit as end:
            # All that is opened before the first request is the database.
            message = "see the log"
            raise DatabaseError(message) from end
    return 0


def _allow_many_descriptors() -> None:
    """Raise the soft limit, which is often 1,024: a stream takes three, an archive a hundred."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MAX_DESCRIPTORS), hard))


def _collect_seldom() -> None:
    """Keep the garbage collector from stopping everything for a fifth of a second.

    What is loaded by now stays, and need not be looked through; nor does what a thousand sockets
    hold, each time that a few things were made. Source: docs/decisions/0019-progress.md.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def config(settings: Settings) -> uvicorn.Config:
    """Return how uvicorn serves the app."""
    trusted = [str(network) for network in settings.server.trusted_proxies]
    return uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http=Wire,
        ws=Line,
        ws_max_size=MAX_SOCKET_MESSAGE,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PONG_WITHIN_S,
        # Small messages gain nothing, and each connection would keep a window of 64 KiB.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted,
        # A proxy that still trusts a connection which this side has closed answers 502.
        timeout_keep_alive=settings.server.keep_alive_s,
        timeout_graceful_shutdown=STOP_AFTER_S,
    )


def listen(settings: Settings) -> list[socket.socket]:
    """Return the sockets that listen where the settings say.

    Raises:
        OSError: An address is taken or not ours.
    """
    server = settings.server
    places = [(server.host, server.port)]
    if server.has_side_door:
        places.append((server.metrics_host, server.metrics_port))
    return [_listen(host, port) for host, port in places]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=2_048)
    # Handed on to each connection. Without it one that takes nothing would stay open for ever.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    return listening
