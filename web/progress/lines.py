"""Lines: the connections of sockets, and frames that are made once for many of them.

The way through ASGI, the app and the library costs more for each message than everything else
together, and a user's sockets are all told the same. Source: docs/decisions/0019-progress.md.
"""

import logging
from collections.abc import Callable
from typing import Any, cast

from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidMessage
from websockets.frames import Frame, Opcode

from web.transport.wire import refusal

LINE = "vasset.line"
"""Where the scope of a socket has its line."""

_SILENT = logging.getLogger("vasset.web.lines")
_SILENT.addHandler(logging.NullHandler())
_SILENT.setLevel(logging.WARNING)


class Line(WebSocketsSansIOProtocol):
    """uvicorn's socket; frames may also be written past the app."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config, server_state, app_state)
        # Both would log the address of each socket, with the ticket in it.
        self.logger = self.conn.logger = _SILENT
        self.conn.debug = False
        self._full_since: float | None = None
        self.on_writable: Callable[[], None] | None = None

    @property
    def full_s(self) -> float:
        """Return for how many seconds the client has taken nothing of what waits for it."""
        return 0.0 if self._full_since is None else self.loop.time() - self._full_since

    def tell(self, frame: bytes) -> bool:
        """Write a frame; return False if the client is behind or gone, and drop it.

        The frame is whole and stands between others of the protocol, so the order holds.
        """
        if self._full_since is not None or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # What the library takes for no request makes no event, so nobody would end the connection.
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(_refusal_of(self.conn.handshake_exc))
            self.transport.close()

    @override
    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        # The task that answers has not begun yet.
        if self.response.status_code == 101:  # noqa: PLR2004 - switching protocols
            cast("dict[str, object]", self.scope)[LINE] = self

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._full_since = self.loop.time()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._full_since = None
        if self.on_writable is not None:
            self.on_writable()


def _refusal_of(fault: Exception) -> bytes:
    if isinstance(fault, InvalidMessage):
        return refusal(400, "This opens no socket.")
    return refusal(431, "The headers are too large.")


def frame_of(text: str) -> bytes:
    """Return a text message as it goes over the wire to any number of clients."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
