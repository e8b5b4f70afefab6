"""The proxies of downloads: taken for a site, praised, blamed and given back."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from actors.context import Context
from domain.download import Download, ProxyLease
from domain.failures import BlockedError, DownloadError, ProxyFaultError, ProxyUnavailableError
from domain.requests import site_of
from gateways.proxies.provider import Need
from runtime import logs
from storage.db import DatabaseError
from storage.exits import ACQUIRED

NO_DOWNLOAD = 0
"""Stands for the id of a download where a proxy is rented for a parse."""

_DIRECT = "none"
_RENTING = "http"
_ALARMING = ("http_401", "http_402", "http_403")

_log = logs.get("actors.proxies")


@dataclass(slots=True)
class _Asker:
    """The caller of an acquisition, who may stop waiting for it."""

    is_gone: bool = False


Keeping = Callable[[ProxyLease], Awaitable[None]]


async def take(context: Context, download: Download) -> ProxyLease:
    """Return a lease that is kept for a download: the one of its site, or a new one.

    Raises:
        ProxyUnavailableError: None is to be had, or Redis cannot keep it.
    """
    history_id, leases = download.history_id, context.services.leases
    if context.services.settings.proxy.provider == _RENTING:
        # Nothing is rented that could not be kept: it would be paid for in vain.
        await leases.of(history_id)

    async def keep(lease: ProxyLease) -> None:
        if context.provider.standing(lease.exit_name) is None:
            displaced = await leases.keep(history_id, lease, epoch=download.epoch)
            if displaced is not None and displaced.url != lease.url:
                await _give_up(context, displaced, history_id)
            elif displaced is lease:
                await _give_up(context, lease, history_id)

    return await _acquired(context, history_id, site_of(download.wish.url), keep)


@asynccontextmanager
async def borrowed(context: Context, site: str) -> AsyncGenerator[ProxyLease]:
    """Yield a lease that no download has, and give it back at the end.

    Raises:
        ProxyUnavailableError: None is to be had.
    """

    async def keep(_lease: ProxyLease) -> None:
        pass

    lease = await _acquired(context, NO_DOWNLOAD, site, keep)
    try:
        yield lease
    finally:
        await _give_up(context, lease, NO_DOWNLOAD)


async def _acquired(context: Context, history_id: int, site: str, keep: Keeping) -> ProxyLease:
    """Return a lease, once it is kept; if the caller is cancelled it is given back when it comes.

    The acquisition belongs to the worker: the caller may be cancelled, may stop, or may lose the
    download while the provider answers, and nothing would then own the lease.
    """
    asker = _Asker()
    rental = asyncio.create_task(_rent_for(context, history_id, site, keep, asker))
    context.rentals.add(rental)
    rental.add_done_callback(context.rentals.discard)
    try:
        return await asyncio.shield(rental)
    except asyncio.CancelledError:
        asker.is_gone = True
        rental.add_done_callback(_log_end)
        raise


def _log_end(rental: "asyncio.Task[ProxyLease]") -> None:
    """Log how an acquisition ended whose caller is gone."""
    if not rental.cancelled():
        error = rental.exception()
        _log.info("rental_outlived_its_asker", error=error and type(error).__name__)


async def _rent_for(
    context: Context, history_id: int, site: str, keep: Keeping, asker: _Asker
) -> ProxyLease:
    lease = await _rent(context, history_id, site)
    if asker.is_gone:
        await _give_up(context, lease, history_id)
        return lease
    try:
        await keep(lease)
    except ProxyUnavailableError:
        # Its exit is recorded nowhere, so it would be paid for until its own end.
        await _give_up(context, lease, history_id)
        raise
    return lease


async def _give_up(context: Context, lease: ProxyLease, history_id: int) -> None:
    if not lease.is_sticky:
        await _release(context, lease, history_id)


async def _rent(context: Context, history_id: int, site: str) -> ProxyLease:
    """Return the lease that is kept for a site, or a new one."""
    services = context.services
    proxy = services.settings.proxy
    if proxy.provider == _DIRECT:
        return await context.provider.acquire(Need(history_id=history_id, site=site))
    cooling, poor = await services.exits.avoided()
    is_sticky = site in proxy.sticky_sites
    if is_sticky:
        kept = await _of_site(context, site)
        if kept is not None and kept.exit_name not in cooling:
            return kept
    need = Need(history_id=history_id, site=site, cooling=cooling, poor=poor)
    lease = replace(await _acquire(context, need), is_sticky=is_sticky)
    if is_sticky:
        try:
            await services.leases.keep_for_site(site, lease)
        except ProxyUnavailableError:
            if context.provider.standing(lease.exit_name) is None:
                await _release(context, lease, history_id)
                raise
    return lease


async def _of_site(context: Context, site: str) -> ProxyLease | None:
    """Return the lease that is kept for a site; None if Redis is away and nothing is rented."""
    try:
        return await context.services.leases.of_site(site)
    except ProxyUnavailableError:
        if context.services.settings.proxy.provider == _RENTING:
            raise
        return None


async def _acquire(context: Context, need: Need) -> ProxyLease:
    """Return a new lease, and count what came of asking for it."""
    exits, proxy = context.services.exits, context.services.settings.proxy
    clock = asyncio.get_running_loop().time
    begun = clock()
    try:
        lease = await context.provider.acquire(need)
    except ProxyUnavailableError as error:
        await exits.count(proxy.provider, error.reason, seconds=clock() - begun)
        if error.reason in _ALARMING:
            _log.error(
                "proxy_provider_refuses",
                reason=error.reason,
                advice="check proxy.api_key and the account's balance; downloads wait meanwhile",
            )
        raise
    try:
        await exits.count(proxy.provider, ACQUIRED, seconds=clock() - begun, cost=proxy.cost)
    except DatabaseError:
        # A missing count is better than a lease that is not kept.
        _log.warning("proxy_not_counted", exit=lease.exit_name)
    return lease


async def give_back(context: Context, history_id: int) -> None:
    """Release the lease of a download that needs it no more; harmless if it has none."""
    lease = await context.services.leases.take(history_id)
    if lease is not None:
        await _give_up(context, lease, history_id)


async def _release(context: Context, lease: ProxyLease, history_id: int) -> None:
    try:
        await context.provider.release(lease, history_id)
    except ProxyUnavailableError as error:
        _log.warning("proxy_not_released", exit=lease.exit_name, reason=error.reason)


async def judge(context: Context, claim: Download, error: DownloadError | None) -> None:
    """Praise or blame the exit of a fetch that has ended.

    One that does not work is left alone for a while; one that a site turned away only scores less.
    """
    if claim.exit_name is not None:
        await judge_exit(context, claim.exit_name, site_of(claim.wish.url), error)


async def judge_exit(
    context: Context, exit_name: str, site: str, error: DownloadError | None
) -> None:
    """Praise or blame an exit for what became of a visit to a site."""
    services = context.services
    if services.settings.proxy.provider == _DIRECT:
        return
    match error:
        case None:
            await services.exits.praise(exit_name)
        case ProxyFaultError():
            pause = timedelta(seconds=services.settings.proxy.cooldown_s)
            await services.exits.blame(exit_name, pause)
            await services.leases.forget_site(site)
            _log.warning("exit_cools_down", exit=exit_name, pause_s=pause.total_seconds())
        case BlockedError():
            await services.exits.blame(exit_name, timedelta(0))
        case _:
            pass
