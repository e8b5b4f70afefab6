"""The front: what a web process holds beside the services."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from quart import current_app, request

from actors.pipeline import Wakeups, open_wakeups
from runtime.services import Services, open_services
from runtime.settings import Settings, is_wildcard
from storage.knocks import Knocks
from web.accounts.logins import Logins
from web.accounts.pace import Pace
from web.accounts.passwords import Passwords
from web.accounts.tokens import Tokens
from web.cursors import Cursors
from web.delivery.desk import Desk, open_desk
from web.downloads.submits import Submits
from web.errands import Errands
from web.metrics.meter import Meter
from web.metrics.scrapes import Scrapes
from web.parse.flights import Flights
from web.progress.hub import Hub

EXTENSION = "vasset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Everything that a route works with."""

    services: Services
    wakeups: Wakeups
    tokens: Tokens
    logins: Logins
    submits: Submits
    cursors: Cursors
    desk: Desk
    hub: Hub
    flights: Flights
    meter: Meter
    passwords: Passwords = field(default_factory=Passwords)
    pace: Pace = field(default_factory=Pace)
    errands: Errands = field(default_factory=Errands)
    scrapes: Scrapes = field(default_factory=Scrapes)

    @property
    def settings(self) -> Settings:
        """Return the settings of this process."""
        return self.services.settings

    @property
    def public_url(self) -> str:
        """Return how clients reach this server; never made of what a request says.

        If it listens on every address of the machine, this is the address to which the current
        request's connection came.
        """
        server = self.settings.server
        if server.public_url:
            return server.public_url
        host = _own_address() if is_wildcard(server.host) else server.host
        return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    async def close(self) -> None:
        """End what was started here."""
        await self.scrapes.close()
        await self.hub.close()
        self.passwords.close()
        await self.flights.close()
        await self.errands.close()
        # It waits up to two seconds for the broker: not in the loop's own thread.
        await asyncio.to_thread(self.wakeups.close)


def tokens_of(settings: Settings) -> Tokens:
    """Return the tokens that the settings describe.

    Raises:
        SettingsError: The secret is too short.
    """
    auth = settings.auth
    return Tokens(auth.secret.get_secret_value(), timedelta(seconds=auth.access_ttl_s))


@asynccontextmanager
async def open_front(settings: Settings, meter: Meter) -> AsyncGenerator[Front]:
    """Yield the front of this process.

    Raises:
        SettingsError: The secret is too short.
        DatabaseError: The database cannot be reached.
    """
    tokens = tokens_of(settings)
    limit = timedelta(seconds=settings.database.timeout_s)
    async with open_services(settings, limit) as services, open_desk(services) as desk:
        front = Front(
            services=services,
            wakeups=open_wakeups(settings.broker.url.get_secret_value()),
            tokens=tokens,
            logins=Logins(Knocks(services.redis), settings.auth),
            submits=Submits(services),
            cursors=Cursors(settings.auth.secret.get_secret_value()),
            desk=desk,
            hub=Hub(services.feed, services.downloads, services.waits),
            flights=_flights(services),
            meter=meter,
        )
        front.hub.start()
        front.flights.start()
        try:
            yield front
        finally:
            await front.close()


def _own_address() -> str:
    """Return the address of this machine to which the connection of this request came."""
    return str(cast("dict[str, Any]", request.scope)["server"][0])


def _flights(services: Services) -> Flights:
    patience = timedelta(seconds=services.settings.downloads.parse_timeout_s)
    return Flights(services.parses, patience=patience)


def front() -> Front:
    """Return the front of the app that answers this request."""
    return cast("Front", current_app.extensions[EXTENSION])
