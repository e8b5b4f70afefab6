"""The app: routes, errors and services, put together."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

from quart import Blueprint, Quart, request, websocket

from runtime.settings import Settings
from web import health, methods, problems
from web.accounts import auth, keys, quotas
from web.admin import audit as admin_audit
from web.admin import downloads as admin_downloads
from web.admin import overview as admin_overview
from web.admin import proxies as admin_proxies
from web.admin import users as admin_users
from web.bodies import MAX_BODY_BYTES
from web.delivery import routes as delivery
from web.downloads import batches, history
from web.downloads import routes as downloads
from web.front import EXTENSION, open_front, tokens_of
from web.metrics import routes as metrics
from web.metrics import side_door
from web.metrics.meter import Meter
from web.openapi import routes as docs
from web.page import routes as page
from web.page import session
from web.parse import routes as parse
from web.progress import routes as progress
from web.transport.exchanges import App, Exchanges, exchange
from web.transport.prefixes import prefixed
from web.transport.sharing import shared
from web.webhooks import routes as webhooks

BODY_TIMEOUT_S = 20


def create_app(settings: Settings) -> Quart:
    """Return the app; what it works with is opened when it starts to serve.

    Raises:
        SettingsError: ``auth.secret`` is too short.
    """
    # Here as well as at the start, so that a wrong secret stops the process before it listens.
    tokens_of(settings)
    app = Quart("vasset", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["BODY_TIMEOUT"] = BODY_TIMEOUT_S
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # Otherwise //docs is answered with a redirect to an address made of the Host header.
    app.url_map.merge_slashes = False
    problems.install(app)
    _add_routes(app)
    app.before_request(_note_route)
    side_door.install(app, settings.server)
    methods.install(app)
    app.before_websocket(_note_socket)

    meter = Meter()

    async def serving() -> AsyncGenerator[None, None]:
        async with open_front(settings, meter) as front:
            app.extensions[EXTENSION] = front
            yield

    app.while_serving(serving)
    # Quart's own way to wrap an app; its types know only its own method there.
    wrapped = shared(cast("App", app.asgi_app), settings.server)
    own = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}
    wrapped = prefixed(Exchanges(wrapped, meter), settings, own)
    app.asgi_app = wrapped  # pyright: ignore[reportAttributeAccessIssue]
    return app


def _add_routes(app: Quart) -> None:
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    ours = (auth, batches, delivery, downloads, history, keys, parse, progress, quotas, webhooks)
    admins = (admin_overview, admin_proxies, admin_audit, admin_downloads, admin_users)
    for part in (*ours, *admins):
        api.register_blueprint(part.blueprint)
    app.register_blueprint(api)
    for part in (health, metrics, docs, page, session):
        app.register_blueprint(part.blueprint)


async def _note_route() -> None:
    exchange().task = asyncio.current_task()
    exchange().route = request.url_rule.rule if request.url_rule is not None else None


async def _note_socket() -> None:
    exchange().route = websocket.url_rule.rule if websocket.url_rule is not None else None
