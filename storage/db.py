"""The one door to `databases`: a pool, named statements, and transactions that do not leak."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# databases and asyncpg are not fully typed; what comes out of them is cast at once.

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self, cast

from databases import Database
from databases.core import Connection
from databases.interfaces import Record
from typing_extensions import override

from storage.connections import (
    BusyError,
    Connector,
    DatabaseError,
    Pooler,
    Raw,
    StaleStatementError,
    TooSlowError,
    discarding,
    is_open,
    translated,
)
from storage.queries import QUERIES

__all__ = [
    "BusyError",
    "DatabaseError",
    "Db",
    "Pooler",
    "Row",
    "Session",
    "Statements",
    "TooSlowError",
]

Row = Mapping[str, Any]
"""A row by column name; the module that asked for it turns it into a value at once."""

LIMIT = timedelta(seconds=10)
"""How long a statement may wait for a connection of the pool and then run."""

_GRACE = timedelta(seconds=0.5)
"""How much longer than the server we wait: only one that is frozen or out of reach lets it pass."""


class Statements(Protocol):
    """What both the pool and one pinned connection can do."""

    async def one(self, name: str, **values: object) -> Row | None:
        """Return the first row of the named statement, or None."""
        ...

    async def all(self, name: str, **values: object) -> Sequence[Row]:
        """Return every row of the named statement."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    """A named statement with its values.

    Attributes:
        is_one: Whether only its first row is wanted.
    """

    name: str
    values: Mapping[str, object]
    is_one: bool


_Result = Row | Sequence[Row] | None


class _Pinned:
    """Statements on one connection.

    Args:
        limit_s: How long each may take.
        until: When the only one must be done, by the loop's clock; overrides ``limit_s``.
    """

    def __init__(
        self, connection: Connection, limit_s: float | None, until: float | None = None
    ) -> None:
        self._connection = connection
        self._raw = cast("Raw", connection.raw_connection)
        self._limit_s = limit_s
        self._until = until

    async def one(self, name: str, **values: object) -> Row | None:
        result = await self._run(_Statement(name=name, values=values, is_one=True))
        return cast("Row | None", result)

    async def all(self, name: str, **values: object) -> Sequence[Row]:
        result = await self._run(_Statement(name=name, values=values, is_one=False))
        return cast("Sequence[Row]", result)

    async def _run(self, statement: _Statement) -> _Result:
        sql, values = QUERIES[statement.name], dict(statement.values)
        async with self._limited():
            if statement.is_one:
                return _row(await self._connection.fetch_one(sql, values))
            return _rows(await self._connection.fetch_all(sql, values))

    def _limited(self) -> asyncio.Timeout:
        return (
            asyncio.timeout(self._limit_s)
            if self._until is None
            else asyncio.timeout_at(self._until)
        )


class _Transaction(_Pinned):
    """Statements on one connection that happen together or not at all.

    A statement that was prepared before a change of the schema fails once, and takes its
    transaction with it. That one is begun anew then, and what was done is done again; if the
    results are the same, the caller notices nothing.
    """

    def __init__(self, connection: Connection, limit_s: float | None, first: str) -> None:
        super().__init__(connection, limit_s)
        self._first = first
        self._done: list[tuple[_Statement, _Result]] = []
        self._transaction = self._raw.transaction()

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            async with self._limited():
                await self._transaction.commit()
        # A generator that is thrown away may await nothing; the pool rolls back.
        elif kind is not GeneratorExit and is_open(self._raw):
            with discarding(self._raw):
                async with self._limited():
                    await self._transaction.rollback()

    @override
    async def _run(self, statement: _Statement) -> _Result:
        try:
            result = await super()._run(statement)
        except StaleStatementError:
            await self._repeat()
            result = await super()._run(statement)
        self._done.append((statement, result))
        return result

    async def _begin(self) -> None:
        async with self._limited():
            await self._transaction.start()
            if self._first:
                await self._raw.execute(self._first)

    async def _repeat(self) -> None:
        async with self._limited():
            await self._transaction.rollback()
        self._transaction = self._raw.transaction()
        await self._begin()
        for statement, before in self._done:
            if await super()._run(statement) != before:
                message = "the schema has changed in the middle of a transaction"
                raise DatabaseError(message)


class Session(_Pinned):
    """Statements on one connection, outside of any transaction."""

    async def run(self, script: str) -> None:
        """Run one statement by itself, or several as one transaction."""
        with translated():
            await self._raw.execute(script)


class Db:
    """PostgreSQL behind a pool; every method raises DatabaseError when it cannot answer.

    Args:
        limit: How long a statement may wait for a connection and then run; in a transaction,
            each by itself. None for as long as it needs.
        pooler: The pooler between us and the server.

    Raises:
        DatabaseError: The address cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        max_size: int = 10,
        limit: timedelta | None = LIMIT,
        pooler: Pooler = Pooler.NONE,
    ) -> None:
        self._limit_s = None if limit is None else (limit + _GRACE).total_seconds()
        self._pooler = pooler
        with translated():
            self._connector = Connector(url, limit=limit, limit_s=self._limit_s, pooler=pooler)
        # The address itself is the connector's alone.
        sizes: dict[str, Any] = {"min_size": 1, "max_size": max_size, **self._connector.pool_sizes}
        self._database = Database("postgresql://", connect=self._connector, **sizes)

    async def open(self) -> None:
        """Open the pool.

        Raises:
            DatabaseError: The server cannot be reached or refuses us.
        """
        with translated():
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
        async with self._statements() as statements:
            return await statements.one(name, **values)

    async def all(self, name: str, **values: object) -> Sequence[Row]:
        """Return every row of the named statement."""
        async with self._statements() as statements:
            return await statements.all(name, **values)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Statements]:
        """Yield statements that happen together or not at all.

        Not ``databases``' own transaction: that one loses the connection when COMMIT fails or
        the task is cancelled. Source: docs/decisions/0003-database-door.md.
        """
        first = self._connector.first_of_transaction
        async with (
            self._lent() as connection,
            _Transaction(connection, self._limit_s, first) as statements,
        ):
            yield statements

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """Yield one connection, for what no transaction may hold; not behind a shared session."""
        async with self._lent() as connection:
            yield Session(connection, self._limit_s)

    async def raw(self, script: str) -> None:
        """Run a script of several statements as one transaction."""
        async with self._lent() as connection:
            raw = cast("Raw", connection.raw_connection)
            async with raw.transaction():
                await raw.execute(script)

    @asynccontextmanager
    async def _statements(self) -> AsyncGenerator[Statements]:
        """Yield what runs a single statement."""
        if self._pooler is Pooler.TRANSACTION:
            # Of two messages about a statement each could reach another session of the server.
            async with self.transaction() as statements:
                yield statements
            return
        limit_s = self._limit_s
        until = None if limit_s is None else asyncio.get_running_loop().time() + limit_s
        async with self._lent() as connection:
            yield _Pinned(connection, limit_s, until)

    @asynccontextmanager
    async def _lent(self) -> AsyncGenerator[Connection]:
        """Lend a connection of the pool."""
        with translated():
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._limit_s):
                    connection = await stack.enter_async_context(self._database.connection())
                with discarding(connection.raw_connection) as watch:
                    stack.callback(self._expire, watch)
                    yield connection

    def _expire(self, watch: discarding) -> None:
        """Let no connection that is open now be lent again, if one was of an unfit server.

        Else each that was opened while a server took no writes would refuse one more request. For
        as long as it takes none, every reader connects anew: some milliseconds.
        """
        if watch.is_unfit:
            backend: Any = self._database._backend  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the one way to the pool
            backend._pool._generation += 1  # noqa: SLF001 - its expire_connections, which is async


def _row(record: Record | None) -> Row | None:
    return None if record is None else cast("Row", dict(record._mapping))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its API


def _rows(records: Sequence[Record]) -> Sequence[Row]:
    return [row for record in records if (row := _row(record)) is not None]
