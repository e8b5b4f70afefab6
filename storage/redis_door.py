"""The one way to a Redis or Valkey: the client's settings, and its faults as one error."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

RedisFault = (RedisError, OSError)
"""What a call may raise when the server is away; progress is then lost, never a download."""


def connect(url: str) -> Redis:
    """Return a client that fails within seconds instead of retrying for a minute."""
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped keywords
        url,
        decode_responses=True,
        socket_timeout=3,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=15,
    )
