"""PostgreSQL without the door: for a database that is not ours yet, or that may be ill."""

# `storage.db` speaks the named statements to our own database, and says of every fault no more
# than its class. Making the database and examining it need the driver itself.

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it has none

# Without stubs the strict checker knows no type of it at all.
_driver: Any = asyncpg

FAULTS = (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a call may raise when the server is away, or the address is none."""

TIMEOUT = timedelta(seconds=5)


async def ask(url: str, *statements: str) -> list[Any]:
    """Return the first value of each statement."""
    async with asyncio.timeout(TIMEOUT.total_seconds()):
        connection = await _driver.connect(url)
        try:
            return [await connection.fetchval(statement) for statement in statements]
        finally:
            await connection.close()


async def create_database(url: str, name: str) -> bool:
    """Create a database unless it is there; return False if the server does not answer yet.

    Args:
        url: Another database of the server.
        name: A plain name.
    """
    try:
        await ask(url, f"CREATE DATABASE {name}")
    except asyncpg.DuplicateDatabaseError:
        return True
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
        return False
    return True
