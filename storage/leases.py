"""The leases of proxies: which proxy a download goes through, kept in Redis with an end."""

# pyright: reportGeneralTypeIssues=false, reportUnknownMemberType=false
# redis-py types its commands for the blocking and the async client at once.

from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

from redis.asyncio import Redis

from domain.download import ProxyLease
from domain.failures import REDIS_AWAY, ProxyUnavailableError
from storage.redis_door import RedisFault

LEASE = timedelta(hours=7)
"""Longer than the longest attempt; a released lease is gone at once."""


_KEEP_NEWEST = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and tonumber(epoch) > tonumber(ARGV[1]) then return false end
local before = redis.call('HGETALL', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return before
"""


class Leases:
    """One lease for each download that runs; the only place where a proxy's password is kept."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keep_newest = redis.register_script(_KEEP_NEWEST)

    async def keep(
        self, history_id: int, lease: ProxyLease, *, epoch: int = 0
    ) -> ProxyLease | None:
        """Keep the lease of a download until its own end; return the one that is to be given back.

        That is the lease of an earlier holder, or this one if a later holder keeps one already.

        Args:
            epoch: Of the claim under which it was acquired.

        Raises:
            ProxyUnavailableError: Redis is away, so the lease could not reach the fetch.
        """
        lifetime_ms = int((lease.lifetime or LEASE).total_seconds() * 1_000)
        fields = [part for pair in _fields(lease).items() for part in pair]
        try:
            displaced: Any = await self._keep_newest(
                [_key(history_id)], [epoch, lifetime_ms, *fields]
            )
        except RedisFault as error:
            raise ProxyUnavailableError(reason=REDIS_AWAY) from error
        if displaced is None:
            return lease
        return _lease(dict(zip(displaced[::2], displaced[1::2], strict=True)))

    async def of(self, history_id: int) -> ProxyLease | None:
        """Return the lease of a download, or None if it has none.

        Raises:
            ProxyUnavailableError: Redis is away.
        """
        return await self._kept(_key(history_id))

    async def take(self, history_id: int) -> ProxyLease | None:
        """Return the lease of a download and forget it: only one caller is given it.

        None if there is none, or while Redis is away; then its own end forgets it.
        """
        try:
            async with self._redis.pipeline(transaction=True) as both:
                both.hgetall(_key(history_id))
                both.delete(_key(history_id))
                kept, _ = await both.execute()
        except RedisFault:
            return None
        return _lease(kept)

    async def keep_for_site(self, site: str, lease: ProxyLease) -> None:
        """Keep a lease for all downloads of a site.

        Raises:
            ProxyUnavailableError: Redis is away.
        """
        await self._keep(_site_key(site), lease)

    async def of_site(self, site: str) -> ProxyLease | None:
        """Return the lease that is kept for a site, or None.

        Raises:
            ProxyUnavailableError: Redis is away.
        """
        return await self._kept(_site_key(site))

    async def forget_site(self, site: str) -> None:
        """Keep no lease for a site any more; if Redis is away its own end does."""
        with suppress(*RedisFault):
            await self._redis.delete(_site_key(site))

    async def _keep(self, key: str, lease: ProxyLease) -> None:
        try:
            await self._redis.hset(key, mapping=_fields(lease))
            await self._redis.expire(key, lease.lifetime or LEASE)
        except RedisFault as error:
            raise ProxyUnavailableError(reason=REDIS_AWAY) from error

    async def _kept(self, key: str) -> ProxyLease | None:
        try:
            return _lease(cast("dict[str, str]", await self._redis.hgetall(key)))
        except RedisFault as error:
            raise ProxyUnavailableError(reason=REDIS_AWAY) from error

    async def lead(self, duty: str, term: timedelta) -> bool:
        """Return whether the caller is the first to take a duty within its term.

        True too while Redis is away: a duty done twice is harmless, one not done is not.
        """
        try:
            first = await self._redis.set(f"vasset:leader:{duty}", "taken", nx=True, ex=term)
        except RedisFault:
            return True
        return bool(first)

    async def held(self) -> set[int]:
        """Return the downloads that have a lease; none if Redis is away."""
        try:
            keys = [str(key) async for key in self._redis.scan_iter(_key("*"), 1_000)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - see above
        except RedisFault:
            return set()
        return {int(number) for key in keys if (number := key.rpartition(":")[2]).isdecimal()}


def _key(history_id: int | str) -> str:
    return f"vasset:lease:{history_id}"


def _site_key(site: str) -> str:
    return f"vasset:site-lease:{site}"


def _fields(lease: ProxyLease) -> Any:  # noqa: ANN401 - redis-py types keys and values as one
    return {
        "url": lease.url or "",
        "exit": lease.exit_name,
        "is_own": int(lease.is_own),
        "is_sticky": int(lease.is_sticky),
        "request_id": lease.request_id,
    }


def _lease(kept: dict[str, str]) -> ProxyLease | None:
    if not kept:
        return None
    return ProxyLease(
        url=kept["url"] or None,
        exit_name=kept["exit"],
        is_own=kept["is_own"] == "1",
        is_sticky=kept["is_sticky"] == "1",
        # None in what an older version keeps.
        request_id=kept.get("request_id", ""),
    )
