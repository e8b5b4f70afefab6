"""The one door to `databases`: a pool, named statements, and transactions that do not leak."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# databases and asyncpg are not fully typed; what comes out of them is cast at once.

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from databases import Database
from databases.core import Connection
from databases.interfaces import Record
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from storage.queries import QUERIES

Row = Mapping[str, Any]
"""A row by column name; the module that asked for it turns it into a value at once."""

ACQUIRE_TIMEOUT = timedelta(seconds=10)
"""How long a statement may wait for a connection of the pool and then run."""

STATEMENT_LIMIT = timedelta(seconds=30)


class DatabaseError(Exception):
    """The database is away, full or refused a statement; nothing is known of the result."""


class TooSlowError(DatabaseError):
    """A statement took longer than it may, and was ended without a trace."""


class BusyError(DatabaseError):
    """A lock could not be had in time, or only by the end of another's; nothing was written."""


class Statements(Protocol):
    """What both the pool and one pinned connection can do."""

    async def one(self, name: str, **values: object) -> Row | None:
        """Return the first row of the named statement, or None."""
        ...

    async def all(self, name: str, **values: object) -> Sequence[Row]:
        """Return every row of the named statement."""
        ...


class _Stateless(asyncpg.Connection):
    """A connection that nothing of a session is left on, so nothing has to be reset after use.

    asyncpg would ask the server to do so after each statement, which doubles every round trip.
    It still ends a transaction that was left open. Source: docs/decisions/0003-database-door.md.
    """

    @override
    def get_reset_query(self) -> str:
        return ""


class _Pinned:
    """Statements on one connection, inside its transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def one(self, name: str, **values: object) -> Row | None:
        return _row(await self._connection.fetch_one(QUERIES[name], values))

    async def all(self, name: str, **values: object) -> Sequence[Row]:
        return _rows(await self._connection.fetch_all(QUERIES[name], values))


class Session(_Pinned):
    """Statements on one connection, outside of any transaction."""

    async def run(self, script: str) -> None:
        """Run one statement by itself, or several as one transaction."""
        with _translated():
            await cast("asyncpg.Connection", self._connection.raw_connection).execute(script)


class Db:
    """PostgreSQL behind a pool; every method raises DatabaseError when it cannot answer.

    Args:
        limit: How long a statement may take; None for as long as it needs.
    """

    def __init__(
        self, url: str, *, max_size: int = 10, limit: timedelta | None = STATEMENT_LIMIT
    ) -> None:
        limit_s = None if limit is None else limit.total_seconds()
        limit_ms = "0" if limit_s is None else str(int(limit_s * 1000))
        self._database = Database(
            url,
            min_size=1,
            max_size=max_size,
            command_timeout=limit_s,
            connection_class=_Stateless,
            server_settings={
                "application_name": "vasset",
                "statement_timeout": limit_ms,
                "idle_in_transaction_session_timeout": limit_ms,
                # Compiling a plan costs far more than any of our short statements.
                "jit": "off",
            },
        )

    async def open(self) -> None:
        """Open the pool.

        Raises:
            DatabaseError: The server cannot be reached or refuses us.
        """
        with _translated():
            await self._database.connect()

    async def close(self) -> None:
        """Close the pool; idle connections only, a busy one is cut after two seconds."""
        try:
            async with asyncio.timeout(2):
                await self._database.disconnect()
        except TimeoutError:
            pass

    async def one(self, name: str, **values: object) -> Row | None:
        """Return the first row of the named statement, or None."""
        with _translated():
            async with asyncio.timeout(ACQUIRE_TIMEOUT.total_seconds()):
                return _row(await self._database.fetch_one(QUERIES[name], values))

    async def all(self, name: str, **values: object) -> Sequence[Row]:
        """Return every row of the named statement."""
        with _translated():
            async with asyncio.timeout(ACQUIRE_TIMEOUT.total_seconds()):
                return _rows(await self._database.fetch_all(QUERIES[name], values))

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Statements]:
        """Yield statements that happen together or not at all.

        Not ``databases``' own transaction: that one loses the connection when COMMIT fails or
        the task is cancelled. Source: docs/decisions/0003-database-door.md.
        """
        with _translated():
            async with self._database.connection() as connection:
                raw = cast("asyncpg.Connection", connection.raw_connection)
                async with raw.transaction():
                    yield _Pinned(connection)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """Yield one connection, for what no transaction may hold."""
        with _translated():
            async with self._database.connection() as connection:
                yield Session(connection)

    async def raw(self, script: str) -> None:
        """Run a script of several statements as one transaction."""
        with _translated():
            async with self._database.connection() as connection:
                raw = cast("asyncpg.Connection", connection.raw_connection)
                async with raw.transaction():
                    await raw.execute(script)


class _translated:  # noqa: N801 - reads as a statement: `with _translated():`
    """Turns every fault of the driver into DatabaseError; leaves cancellation alone."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)):
            raise BusyError(type(error).__name__) from error
        if isinstance(error, asyncpg.QueryCanceledError):
            raise TooSlowError(type(error).__name__) from error
        faults = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, SQLAlchemyError)
        if isinstance(error, (*faults, TimeoutError)):
            # The text may name the server but never carries the password or a row's values.
            raise DatabaseError(type(error).__name__) from error


def _row(record: Record | None) -> Row | None:
    return None if record is None else cast("Row", dict(record._mapping))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its API


def _rows(records: Sequence[Record]) -> Sequence[Row]:
    return [row for record in records if (row := _row(record)) is not None]
