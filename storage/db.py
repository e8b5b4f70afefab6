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

STATEMENT_TIMEOUT_MS = 30_000


class DatabaseError(Exception):
    """The database is away, full or refused a statement; nothing is known of the result."""


class TooSlowError(DatabaseError):
    """A statement took longer than it may, and was ended without a trace."""


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


class Db:
    """PostgreSQL behind a pool; every method raises DatabaseError when it cannot answer."""

    def __init__(self, url: str, *, max_size: int = 10) -> None:
        self._database = Database(
            url,
            min_size=1,
            max_size=max_size,
            command_timeout=STATEMENT_TIMEOUT_MS / 1000,
            connection_class=_Stateless,
            server_settings={
                "application_name": "vasset",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(STATEMENT_TIMEOUT_MS),
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

    async def migrate(self, schema: str) -> None:
        """Run the schema under a lock, so that two starts at once do not collide."""
        lock = "SELECT pg_advisory_xact_lock(hashtext('vasset.schema'));"
        await self.raw(lock + schema)

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
