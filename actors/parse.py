"""Parses: what is at an address, found out by a child in the cage while users wait for it.

Not by messages: who asks waits for seconds only, so what no worker takes in time is worth nothing.
Each node takes as many flights at once as it has slots for them, beside its downloads.
Source: docs/decisions/0014-parse.md.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate

from actors import proxies
from actors.context import Context
from actors.limits import cool_down
from actors.site_cookies import cookies_of
from domain.addresses import AddressPolicy
from domain.failures import (
    BlockedError,
    DownloadError,
    PermanentError,
    ProxyFaultError,
    RateLimitedError,
    TimedOutError,
    TransientError,
    UnexpectedError,
)
from domain.findings import Entry, Failure, Findings, Outcome, is_open
from domain.requests import site_of
from gateways.ytdlp.looking import LookOrder
from gateways.ytdlp.sandbox import SandboxMissingError
from gateways.ytdlp.versions import YtdlpTooOldError
from runtime import logs
from storage.db import DatabaseError
from storage.limits import Limited
from storage.parses import Flight
from storage.redis_door import RedisFault

MAX_EXITS = 3
"""Proxies that are tried for one flight."""

MAX_ENTRIES_LENGTH = 200_000
"""Characters of the entries of one answer, so that no site fills Redis."""

KEEP_REFUSAL = timedelta(seconds=60)
"""For what would end the same way again."""

KEEP_TROUBLE = timedelta(seconds=5)
"""As long as clients are asked to wait before they try again."""

ENDING = timedelta(seconds=1)
"""What it takes to end a child, and to tell those who wait, before they give up."""

HOLD_AGAIN_S = 1.0
"""A third of what a silent worker is believed."""

_OUR_FAULTS = (DatabaseError, OSError, SandboxMissingError, YtdlpTooOldError, ValueError)

_log = logs.get("actors.parse")


async def serve_flights(context: Context) -> None:
    """Answer flights until the worker stops, as many at once as this node has slots for them."""
    async with asyncio.TaskGroup() as group:
        for _ in range(context.services.settings.downloads.parse_slots):
            group.create_task(_serve(context))


async def _serve(context: Context) -> None:
    while not context.stopping.is_set():
        try:
            flight = await context.services.parses.board()
            if flight is not None:
                await _fly(context, flight)
        except RedisFault:
            # Nobody can ask either.
            await asyncio.sleep(1)


async def _fly(context: Context, flight: Flight) -> None:
    parses = context.services.parses
    try:
        async with _held(context, flight):
            outcome = await _outcome(context, flight)
    except asyncio.CancelledError:
        # The worker stops; another one may still be in time.
        with suppress(*RedisFault):
            await parses.give_back(flight)
        raise
    await parses.land(flight, outcome, keep=_keep(context, outcome))


@asynccontextmanager
async def _held(context: Context, flight: Flight) -> AsyncGenerator[None]:
    """Hold a flight for as long as this process lives, so that after its death another takes it."""

    async def hold() -> None:
        while True:
            await asyncio.sleep(HOLD_AGAIN_S)
            with suppress(*RedisFault):
                await context.services.parses.hold(flight)

    holding = asyncio.create_task(hold())
    try:
        yield
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


def _keep(context: Context, outcome: Outcome) -> timedelta:
    if isinstance(outcome, Findings):
        return timedelta(seconds=context.services.settings.downloads.parse_cache_s)
    return KEEP_REFUSAL if outcome.is_final else KEEP_TROUBLE


async def _outcome(context: Context, flight: Flight) -> Outcome:
    """Return what a flight brought; whatever went wrong is an answer too."""
    site = site_of(flight.url)
    try:
        found = await _visit(context, flight, site)
    except DownloadError as error:
        failure = error
    except _OUR_FAULTS as error:
        _log.error("parse_not_possible", error=str(error), advice="run `vasset doctor`")
        failure = UnexpectedError()
    else:
        _log.info("parse_finished", site=site, extractor=found.extractor)
        return shown(found, context.services.address_policy)
    _log.warning("parse_failed", site=site, code=failure.code.value)
    wait = failure.retry_after if isinstance(failure, TransientError) else None
    return Failure(
        code=failure.code,
        message=str(failure),
        is_final=isinstance(failure, PermanentError),
        retry_after=wait,
    )


async def _visit(context: Context, flight: Flight, site: str) -> Findings:
    """Look, and let a site rest that has enough of us, or a provider.

    Raises:
        RateLimitedError: The site rests; it is not asked.
        DownloadError: Nothing is known of the address.
    """
    rest = await context.services.limits.cooling(Limited.SITE, site)
    if rest is not None:
        raise RateLimitedError(retry_after=rest)
    try:
        return await _look(context, flight, site)
    except BlockedError:
        # It may be this page alone; nobody shall stop a whole site by asking for such a one.
        raise
    except DownloadError as error:
        await cool_down(context, site, error)
        raise


async def _look(context: Context, flight: Flight, site: str) -> Findings:
    """Look through one proxy, and through another if it does not work.

    Raises:
        DownloadError: Nothing is known of the address.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + (flight.left - ENDING).total_seconds()
    cookies = await cookies_of(context, site)
    fault: DownloadError = TimedOutError()
    for _ in range(MAX_EXITS):
        async with proxies.borrowed(context, site) as lease:
            order = LookOrder(
                url=flight.url,
                lease=lease,
                time_limit=timedelta(seconds=max(0.0, deadline - clock())),
                max_entries=context.services.settings.downloads.max_playlist_entries,
                cookies=cookies,
            )
            try:
                found = await context.runner.look(order)
            except DownloadError as error:
                await proxies.judge_exit(context, lease.exit_name, site, error)
                if not isinstance(error, ProxyFaultError):
                    raise
                fault = error
            else:
                await proxies.judge_exit(context, lease.exit_name, site, None)
                return found
    raise fault


def shown(found: Findings, policy: AddressPolicy) -> Findings:
    """Return findings without the addresses from which no download could start."""
    thumbnail, page = found.thumbnail, found.webpage_url
    told = found.entries and _told(found.entries)
    return replace(
        found,
        thumbnail=thumbnail if thumbnail and is_open(thumbnail, policy) else None,
        webpage_url=page if page and is_open(page, policy) else None,
        entries=told and tuple(entry for entry in told if is_open(entry.url, policy)),
        is_cut=found.is_cut or told != found.entries,
    )


def _told(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return the first entries, as many as one answer may hold."""
    lengths = accumulate(
        len(entry.url) + len(entry.title) + len(entry.id or "") for entry in entries
    )
    return entries[: bisect_right(list(lengths), MAX_ENTRIES_LENGTH)]
