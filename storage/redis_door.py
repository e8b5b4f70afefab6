"""The one way to a Redis or Valkey: the client's settings, and its faults as one error."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

RedisFault = (RedisError, OSError)
"""What a call may raise when the server is away; progress is then lost, never a download."""


MAX_CONNECTIONS = 100
"""Of one process; a call that finds all of them busy waits for one."""

WAIT_S = 2.0


def connect(url: str) -> Redis:
    """Return a client that fails within seconds instead of retrying for a minute.

    The usual pool refuses the call beyond its last connection, as if the server were away.
    """
    pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped keywords
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=WAIT_S,
        decode_responses=True,
        socket_timeout=3,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=15,
    )
    return Redis.from_pool(pool)
