"""The side door: a port of its own for the metrics and for what readiness says of the parts."""

from typing import Any, cast

from quart import Quart, request, websocket
from werkzeug.exceptions import NotFound

from runtime.settings import Server
from web.front import front

_BEHIND = frozenset({"/metrics", "/readyz", "/healthz"})


def install(app: Quart, server: Server) -> None:
    """Let each port show only what is its own; nothing if there is no side door."""
    if not server.has_side_door:
        return

    async def judge() -> None:
        hidden = request.path not in _BEHIND if is_inside() else request.path == "/metrics"
        if hidden:
            raise NotFound

    async def judge_socket() -> None:
        if _port_of(cast("dict[str, Any]", websocket.scope)) == server.metrics_port:
            raise NotFound

    app.before_request(judge)
    app.before_websocket(judge_socket)


def is_inside() -> bool:
    """Return whether this request may see the details: all may, if there is no side door."""
    server = front().settings.server
    scope = cast("dict[str, Any]", request.scope)
    return not server.has_side_door or _port_of(scope) == server.metrics_port


def _port_of(scope: dict[str, Any]) -> int | None:
    """Return the port that the connection came to, whatever its headers say."""
    listening = scope.get("server")
    return listening[1] if listening else None
