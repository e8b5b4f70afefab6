"""Origins: which web pages may sign a browser in, open the socket and call the API."""

from werkzeug.datastructures import Headers

from runtime import logs
from runtime.settings import Server, origin_of

ADVICE = (
    "This page was opened at an address that is not this server's own. An administrator can add it"
    " to server.trusted_origins, or set server.public_url to it."
)
_MAX_SHOWN = 200

_log = logs.get("web.origins")


def is_own_page(headers: Headers, server: Server) -> bool:
    """Return whether a request comes from this server's own page, or from no browser at all.

    No Origin means no browser, and only a browser can be tricked into using someone's token.
    """
    origin = headers.get("Origin")
    if origin is None or origin in map(origin_of, server.trusted_origins):
        return True
    if server.public_url:
        return origin == origin_of(server.public_url)
    host = headers.get("Host", "")
    return origin in (f"http://{host}", f"https://{host}")


def may_call(headers: Headers, server: Server) -> bool:
    """Return whether a page may use the API and the socket: an own one, or one elsewhere."""
    return is_elsewhere(headers.get("Origin"), server) or is_own_page(headers, server)


def is_elsewhere(origin: str | None, server: Server) -> bool:
    """Return whether an origin is a page elsewhere that may call the API and the socket."""
    return origin is not None and origin in map(origin_of, server.cors_origins)


def note_refused(headers: Headers) -> None:
    """Log which page was refused, and the setting that allows it."""
    origin = "".join(c for c in headers.get("Origin", "") if c.isprintable())[:_MAX_SHOWN]
    _log.warning(
        "origin_refused",
        origin=origin,
        advice="if this is your own page, add it to server.trusted_origins",
    )
