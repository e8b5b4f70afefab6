"""The path prefix of this server behind a proxy that serves other things on the same host."""

from urllib.parse import urlsplit

from runtime.settings import Settings
from runtime.settings_layers import SettingsError
from web.transport.exchanges import App, Message, Receive, Scope, Send


class Prefixed:
    """The app under the paths of ``server.public_url`` and ``storage.node_url``.

    A path that the proxy has taken off is as good as one that it has left on. What is answered
    leads clients back under the path of ``public_url``.
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._base = settings.server.base_path
        # The longer one first: one may begin with the other.
        found = {self._base, urlsplit(settings.storage.node_url).path} - {""}
        self._prefixes = sorted(found, key=len, reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, socket or lifespan."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", [])
                message["headers"] = [self._outside(*header) for header in headers]
            await send(message)

        _take_off(scope, self._prefixes)
        await self._app(scope, receive, send_on)

    def _outside(self, name: bytes, text: bytes) -> tuple[bytes, bytes]:
        is_ours = name.lower() == b"location" and text.startswith(b"/")
        return name, self._base.encode() + text if is_ours else text


def prefixed(app: App, settings: Settings, own: set[str]) -> App:
    """Return the app under the paths that the settings name, or unchanged if they name none.

    Args:
        own: The first part of every path that the app itself knows.

    Raises:
        SettingsError: A path begins like one of these, so the two could not be told apart.
    """
    named = {
        "server.public_url": settings.server.base_path,
        "storage.node_url": urlsplit(settings.storage.node_url).path,
    }
    for key, path in named.items():
        if path and path.split("/")[1] in own:
            message = f"settings: {key}: a path may not begin with /{path.split('/')[1]}"
            raise SettingsError(message)
    return Prefixed(app, settings) if any(named.values()) else app


def _take_off(scope: Scope, prefixes: list[str]) -> None:
    path = scope["path"]
    for prefix in prefixes:
        if path != prefix and not path.startswith(f"{prefix}/"):
            continue
        scope["path"] = path[len(prefix) :] or "/"
        return
