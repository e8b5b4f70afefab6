"""Cross-origin resource sharing: the API for web pages elsewhere that the settings name.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from runtime.settings import Server
from web.origins import is_elsewhere
from web.transport.exchanges import App, Message, Receive, Scope, Send

_API = "/api/v1/"
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED = b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range"
_SHOWN = (
    b"Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Location, "
    b"Repr-Digest, Retry-After, X-Request-Id"
)
_KEEP_S = b"600"


class Shared:
    """The app, with an API that pages of other origins may call: by token, never by cookie."""

    def __init__(self, app: App, server: Server) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; everything but the API is left alone."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        origin = _header(scope, b"origin")
        added = [(b"vary", b"Origin")]
        if is_elsewhere(origin.decode("latin1"), self._server):
            added += [(b"access-control-allow-origin", origin)]
            added += [(b"access-control-expose-headers", _SHOWN)]
            if scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method"):
                await _allow(send, added)
                return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_on)


def shared(app: App, server: Server) -> App:
    """Return the app for the pages that the settings name, or unchanged if they name none."""
    return Shared(app, server) if server.cors_origins else app


async def _allow(send: Send, added: list[tuple[bytes, bytes]]) -> None:
    """Answer a browser that asks, before a request, whether it may send it."""
    headers = [
        *added,
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _ASKED),
        (b"access-control-max-age", _KEEP_S),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _header(scope: Scope, name: bytes) -> bytes:
    return next((text for known, text in scope["headers"] if known == name), b"")
