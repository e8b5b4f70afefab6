"""The services: everything that a process of V-Asset works with, opened and closed together."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from redis.asyncio import Redis

from domain.addresses import AddressPolicy
from domain.policy import Backoff
from domain.quotas import Allowance
from gateways.egress.judge import Judge
from gateways.proxies.answers import AnswerForm
from gateways.proxies.circuit import Circuit
from gateways.proxies.http import HttpProvider, HttpTerms
from gateways.proxies.provider import Direct, Provider
from gateways.proxies.static import StaticList
from runtime.settings import Downloads as Downloading
from runtime.settings import Proxy, Settings
from storage.api_keys import ApiKeys
from storage.assets import Assets
from storage.audit import Trail
from storage.batches import Batches
from storage.cookies import SiteCookies
from storage.counters import Counters
from storage.db import LIMIT, Db
from storage.deliveries import Deliveries
from storage.downloads import Downloads
from storage.due import Due
from storage.ends import Ends
from storage.exits import Exits
from storage.feed import Feed
from storage.files import Files
from storage.history import History
from storage.holders import Holders
from storage.kept_answers import KeptAnswers
from storage.leases import Leases
from storage.limits import Limits, Turns
from storage.nodes import Nodes
from storage.parses import Parses
from storage.quotas import Quotas
from storage.rates import Rates
from storage.redis_door import connect
from storage.room import Room
from storage.roster import Roster
from storage.slots import Slots
from storage.socket_tickets import SocketTickets
from storage.strays import Strays
from storage.twins import Twins
from storage.users import Users
from storage.waits import Waits
from storage.webhook_secrets import WebhookSecrets
from storage.webhooks import Webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What web, worker and commands share."""

    settings: Settings
    db: Db
    redis: Redis
    downloads: Downloads
    history: History
    due: Due
    twins: Twins
    users: Users
    api_keys: ApiKeys
    roster: Roster
    trail: Trail
    quotas: Quotas
    batches: Batches
    kept_answers: KeptAnswers
    nodes: Nodes
    room: Room
    counters: Counters
    ends: Ends
    limits: Limits
    feed: Feed
    leases: Leases
    exits: Exits
    cookies: SiteCookies
    files: Files
    holders: Holders
    strays: Strays
    assets: Assets
    deliveries: Deliveries
    slots: Slots
    rates: Rates
    parses: Parses
    webhooks: Webhooks
    webhook_secrets: WebhookSecrets
    socket_tickets: SocketTickets

    @property
    def turns(self) -> Turns:
        """Return how much may run at once."""
        downloads, proxy = self.settings.downloads, self.settings.proxy
        return Turns(
            slots=downloads.slots,
            per_user=downloads.per_user_active,
            newcomer_slots=min(downloads.newcomer_slots, downloads.slots - 1),
            per_site=downloads.per_site_active,
            site_starts=downloads.per_site_starts,
            provider=proxy.provider,
            provider_starts=proxy.starts,
            share=downloads.share,
            expected_bytes=downloads.expected_bytes,
        )

    @property
    def waits(self) -> Waits:
        """Return what says why a download has not started."""
        return Waits(self.db, self.turns)

    @property
    def address_policy(self) -> AddressPolicy:
        """Return what a download may reach."""
        return policy_of(self.settings)

    @property
    def backoff(self) -> Backoff:
        """Return the bounds of the wait before the next attempt."""
        bounds = self.settings.downloads.backoff_s
        return Backoff(base=timedelta(seconds=bounds.min), cap=timedelta(seconds=bounds.max))

    @property
    def proxy_patience(self) -> timedelta:
        """Return how long a download waits for a proxy that works."""
        return timedelta(seconds=self.settings.proxy.patience_s)

    @property
    def quick_ttl(self) -> timedelta:
        """Return how long a quick download's file is kept."""
        return timedelta(hours=self.settings.downloads.quick_ttl_h)


def policy_of(settings: Settings) -> AddressPolicy:
    """Return what a download may reach: never what we ourselves are known by."""
    egress = settings.egress
    addresses = (settings.server.public_url, settings.storage.node_url)
    own = tuple(host for address in addresses if (host := urlsplit(address).hostname))
    return AddressPolicy(
        allow_private=egress.allow_private,
        ports=egress.ports,
        deny_hosts=(*egress.deny_hosts, *own),
    )


def database_of(settings: Settings, *, max_size: int = 1, limit: timedelta = LIMIT) -> Db:
    """Return the database that the settings name, not opened yet.

    Args:
        limit: How long a statement may take.

    Raises:
        DatabaseError: Its address cannot be read.
    """
    database = settings.database
    url = database.url.get_secret_value()
    return Db(url, max_size=max_size, limit=limit, pooler=database.pooler)


@asynccontextmanager
async def open_services(settings: Settings, limit: timedelta = LIMIT) -> AsyncGenerator[Services]:
    """Yield the services of a process; its own loop must be running.

    Args:
        limit: How long a statement may take.

    Raises:
        DatabaseError: The database cannot be reached.
    """
    db = database_of(settings, max_size=10, limit=limit)
    redis = connect(settings.redis.url.get_secret_value())
    await db.open()
    try:
        yield _services(settings, db, redis)
    finally:
        await redis.aclose()
        await db.close()


def _services(settings: Settings, db: Db, redis: Redis) -> Services:
    node, allowance = settings.storage.node, Allowance(**settings.quota.model_dump())
    feed = Feed(redis)
    webhook_secrets = WebhookSecrets(db, settings.auth.secret.get_secret_value())
    return Services(
        settings=settings,
        db=db,
        redis=redis,
        downloads=Downloads(db, node=node, allowance=allowance),
        history=History(db),
        due=Due(db, node=node),
        twins=Twins(db),
        users=Users(db, feed),
        api_keys=ApiKeys(db, feed),
        roster=Roster(db, feed),
        trail=Trail(db),
        quotas=Quotas(db, allowance),
        batches=Batches(db, allowance),
        kept_answers=KeptAnswers(),
        nodes=Nodes(db),
        room=Room(db),
        counters=Counters(db),
        ends=Ends(db),
        limits=Limits(db),
        feed=feed,
        leases=Leases(redis),
        exits=Exits(db),
        cookies=SiteCookies(db, settings.auth.secret.get_secret_value()),
        files=Files(settings.storage.root, node=node),
        holders=Holders(settings.storage.root),
        strays=Strays(settings.storage.root),
        assets=Assets(db, node=node),
        deliveries=Deliveries(db, node=node),
        slots=Slots(redis, node=node),
        rates=Rates(redis),
        parses=_parses(redis, settings.downloads),
        webhooks=Webhooks(db, webhook_secrets),
        webhook_secrets=webhook_secrets,
        socket_tickets=SocketTickets(redis),
    )


def _parses(redis: Redis, downloads: Downloading) -> Parses:
    deadline = timedelta(seconds=downloads.parse_timeout_s)
    return Parses(redis, deadline=deadline, per_user=downloads.parse_per_user)


def provider_of(proxy: Proxy, policy: AddressPolicy) -> Provider:
    """Return the provider that the settings name.

    Raises:
        ValueError: Its settings do not fit it.
        ProxyUnavailableError: An address of the list is no proxy.
    """
    match proxy.provider:
        case "none":
            return Direct()
        case "list":
            return StaticList([address.get_secret_value() for address in proxy.list])
        case "http":
            terms = HttpTerms(
                endpoint=proxy.endpoint,
                release=proxy.release,
                key_in=proxy.key_in,
                api_key=proxy.api_key.get_secret_value(),
                timeout=timedelta(seconds=proxy.timeout_s),
                form=AnswerForm(address=proxy.answer, lifetime=proxy.lifetime),
            )
            return Circuit(HttpProvider(terms, Judge(policy)), time.monotonic)
