"""The schema, and bringing a database up to it."""

from pathlib import Path

from storage.db import Db

_HERE = Path(__file__).resolve().parent
# In a checkout the file stands at the top of the repository, in a wheel beside this module.
SCHEMA = next(p for p in (_HERE / "schema.sql", _HERE.parent / "schema.sql") if p.exists())


async def migrate(url: str) -> None:
    """Bring a database up to the schema; nothing happens if it is.

    Raises:
        DatabaseError: It cannot be reached or refused a statement.
    """
    db = Db(url, max_size=1)
    await db.open()
    try:
        await db.migrate(SCHEMA.read_text(encoding="utf-8"))
    finally:
        await db.close()
