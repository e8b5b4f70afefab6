"""The schema: a database is brought up to it while all runs, however large the tables are.

Everything but the indexes is one transaction, short but for the wait for its locks. Then each index
that is missing is built beside the writers, CONCURRENTLY, which takes as long as it takes and is no
transaction: what a dead run left half-built is dropped and built again.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from storage.db import BusyError, DatabaseError, Db, Session

Tell = Callable[[str], None]

MAX_TRIES = 200
"""How often the locks of all tables are asked for; each try is over soon, so nobody waits long."""

_AGAIN_S = 0.5
_PROGRESS_S = 10.0
_BUILD_MEMORY = "256MB"
# Well below PostgreSQL's deadlock_timeout of a second: whoever holds a table that we want and wants
# one that we hold would be ended instead of us, and a client told to come again.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '300ms';"

_IN_USE = (
    "the tables stayed in use, by a backup or a long statement (pg_stat_activity shows which);"
    " nothing was changed: run `vasset migrate` again when it is over"
)

_INDEX = re.compile(
    r"^CREATE (?:UNIQUE )?INDEX IF NOT EXISTS (?P<name>\w+)\s+ON (?P<table>\w+)[^;]*;", re.MULTILINE
)
_DROP = re.compile(r"^DROP INDEX IF EXISTS (\w+);", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that the schema wants.

    Attributes:
        statement: Builds it beside the writers; fails if it is there.
    """

    name: str
    table: str
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A schema, taken apart.

    Attributes:
        transaction: All that happens together, without any index.
        dropped: Names of indexes that are wanted no more.
    """

    transaction: str
    indexes: tuple[Index, ...]
    dropped: tuple[str, ...]


def take_apart(script: str) -> Parts:
    """Return the parts of a schema; no index holds a semicolon."""
    indexes = tuple(
        Index(
            name=found["name"],
            table=found["table"],
            statement=found[0].replace("INDEX IF NOT EXISTS", "INDEX CONCURRENTLY", 1),
        )
        for found in _INDEX.finditer(script)
    )
    dropped = tuple(_DROP.findall(script))
    return Parts(
        transaction=_DROP.sub("", _INDEX.sub("", script)), indexes=indexes, dropped=dropped
    )


async def bring_up(db: Db, script: str, tell: Tell) -> None:
    """Bring a database up to a schema; of several who do at once one works and the others wait.

    Args:
        db: Without a limit; nobody else's, for the lock is held until it is closed.
        tell: Takes a line for people about what takes long.

    Raises:
        DatabaseError: It cannot be reached or refused a statement.
    """
    parts = take_apart(script)
    async with db.session() as session:
        await _lock(session, tell)
        await _run(session, _LOCK_TIMEOUT + parts.transaction, tell)
        await session.one("schema_memory", amount=_BUILD_MEMORY)
        for index in parts.indexes:
            await _build(db, session, index, tell)
        # Last, so that what an index replaces serves until the index is there.
        for name in parts.dropped:
            await session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


async def _lock(session: Session, tell: Tell) -> None:
    """Become the one who migrates.

    Not by one statement that waits: its snapshot would be what the other's index waits for.
    """
    is_told = False
    while not await _is_ours(session):
        if not is_told:
            tell("Another migration is at work; waiting for its end.")
        is_told = True
        await asyncio.sleep(_AGAIN_S)


async def _is_ours(session: Session) -> bool:
    row = await session.one("schema_lock")
    return row is not None and bool(row["is_ours"])


async def _run(session: Session, script: str, tell: Tell) -> None:
    for number in range(MAX_TRIES):
        try:
            await session.run(script)
        except BusyError:
            if number == 0:
                tell("The tables are in use; trying again.")
            await asyncio.sleep(_AGAIN_S)
        else:
            return
    raise BusyError(_IN_USE)


async def _build(db: Db, session: Session, index: Index, tell: Tell) -> None:
    """Build an index unless it is there and whole."""
    found = await session.one("schema_index", index=index.name, table=index.table)
    if found is None or found["is_whole"]:
        return
    if found["is_there"]:
        tell(f"The index {index.name} was left half-built; it is built again.")
        await session.run(f"DROP INDEX CONCURRENTLY {index.name}")
    if not found["is_filled"]:
        await session.run(index.statement)
        return
    tell(f"Building the index {index.name}; everything else goes on meanwhile.")
    async with _progress(db, index.name, tell):
        await session.run(index.statement)


@asynccontextmanager
async def _progress(db: Db, name: str, tell: Tell) -> AsyncGenerator[None]:
    """Tell now and then how far the building is."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            with suppress(DatabaseError):
                at = await db.one("schema_progress")
                if at is not None:
                    tell(f"  {name}: {at['phase']}, {at['percent']} %")

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
