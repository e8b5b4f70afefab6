"""One question to the database, from a command."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from runtime.services import database_of
from storage.db import Db
from vasset import configured

Result = TypeVar("Result")


def ask_database(data: Path | None, ask: Callable[[Db], Awaitable[Result]]) -> Result:
    """Return the answer, over a connection that is made for it.

    Raises:
        CommandError: No database is known.
        DatabaseError: It cannot be reached.
        SettingsError: A setting is wrong or unknown.
    """
    settings = configured.with_database(data)

    async def answer() -> Result:
        db = database_of(settings)
        await db.open()
        try:
            return await ask(db)
        finally:
            await db.close()

    return asyncio.run(answer())
