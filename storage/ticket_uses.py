"""Which signed links have begun a transfer, in Redis: each for a time after its last use."""

# pyright: reportUnknownMemberType=false
# redis-py types its commands for the blocking and the async client at once.

from redis.asyncio import Redis


class TicketUses:
    """Remembers links by their fingerprints. A call raises RedisFault."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def note(self, fingerprint: str, keep_s: int) -> None:
        """Remember that a link is used now, for so long."""
        await self._redis.set(_key(fingerprint), 1, ex=keep_s)

    async def is_used(self, fingerprint: str) -> bool:
        """Return whether a link has been used lately."""
        return bool(await self._redis.exists(_key(fingerprint)))


def _key(fingerprint: str) -> str:
    return f"vasset:ticket-use:{fingerprint}"
