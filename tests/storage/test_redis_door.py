"""The way to Redis."""

import asyncio

from redis.asyncio import Redis

from storage.redis_door import MAX_CONNECTIONS


async def test_more_calls_than_connections_wait_instead_of_failing(redis: Redis) -> None:
    calls = (redis.echo(str(number)) for number in range(3 * MAX_CONNECTIONS))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    answers = await asyncio.gather(*calls)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]

    assert answers == [str(number) for number in range(3 * MAX_CONNECTIONS)]
