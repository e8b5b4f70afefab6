"""The schema, and bringing a database up to it."""

from collections.abc import Callable
from pathlib import Path

from storage.db import Db, Pooler
from storage.schema import bring_up
from vasset.faults import CommandError

_HERE = Path(__file__).resolve().parent
# In a checkout the file stands at the top of the repository, in a wheel beside this module.
SCHEMA = next(p for p in (_HERE / "schema.sql", _HERE.parent / "schema.sql") if p.exists())


_SHARED = (
    "a migration needs a session of its own, which PgBouncer does not give with pool_mode ="
    " transaction: run `vasset migrate` with database.url at PostgreSQL itself and"
    ' database.pooler = "none"'
)


async def migrate(url: str, tell: Callable[[str], None], pooler: Pooler = Pooler.NONE) -> None:
    """Bring a database up to the schema; nothing happens if it is.

    Args:
        tell: Takes a line for people about what takes long.

    Raises:
        CommandError: Sessions that are shared stand between us and it.
        DatabaseError: It cannot be reached or refused a statement.
    """
    if pooler is Pooler.TRANSACTION:
        raise CommandError(_SHARED)
    # One connection works, the other watches; an index of ten million rows takes minutes.
    db = Db(url, max_size=2, limit=None, pooler=pooler)
    await db.open()
    try:
        await bring_up(db, SCHEMA.read_text(encoding="utf-8"), tell)
    finally:
        await db.close()
