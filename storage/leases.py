"""The leases of proxies: which proxy a download goes through, kept in Redis with an end."""

# pyright: reportGeneralTypeIssues=false, reportUnknownMemberType=false
# redis-py types its commands for the blocking and the async client at once.

from datetime import timedelta
from typing import cast

from redis.asyncio import Redis

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError
from storage.redis_door import RedisFault

LEASE = timedelta(hours=7)
"""Longer than the longest attempt; a released lease is gone at once."""


class Leases:
    """One lease for each download that runs; the only place where a proxy's password is kept."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def keep(self, history_id: int, lease: ProxyLease) -> None:
        """Keep the lease of a download.

        Raises:
            ProxyUnavailableError: Redis is away, so the lease could not reach the fetch.
        """
        try:
            await self._redis.hset(
                _key(history_id),
                mapping={
                    "url": lease.url or "",
                    "exit": lease.exit_name,
                    "is_own": int(lease.is_own),
                },
            )
            await self._redis.expire(_key(history_id), LEASE)
        except RedisFault as error:
            raise ProxyUnavailableError from error

    async def of(self, history_id: int) -> ProxyLease | None:
        """Return the lease of a download, or None if it has none.

        Raises:
            ProxyUnavailableError: Redis is away.
        """
        try:
            kept = cast("dict[str, str]", await self._redis.hgetall(_key(history_id)))
        except RedisFault as error:
            raise ProxyUnavailableError from error
        if not kept:
            return None
        return ProxyLease(
            url=kept["url"] or None,
            exit_name=kept["exit"],
            is_own=kept["is_own"] == "1",
        )

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

    async def release(self, history_id: int) -> None:
        """Forget the lease of a download; if Redis is away its own end does."""
        try:
            await self._redis.delete(_key(history_id))
        except RedisFault:
            return


def _key(history_id: int | str) -> str:
    return f"vasset:lease:{history_id}"
