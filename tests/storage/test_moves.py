"""The moves that the database itself keeps."""

import pytest

from domain.download import User
from domain.states import LEGAL_MOVES, Status
from storage.db import DatabaseError, Db
from storage.downloads import Downloads
from tests.storage.rows import submit


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
async def test_the_database_refuses_every_illegal_move(
    db: Db, downloads: Downloads, user: User, before: Status, after: Status
) -> None:
    if before is after:
        return
    history_id = await submit(downloads, user)
    await db.raw(
        "ALTER TABLE download_history DISABLE TRIGGER download_history_moved;"
        f"UPDATE download_history SET status = {before:d};"
        "ALTER TABLE download_history ENABLE TRIGGER download_history_moved"
    )
    move = f"UPDATE download_history SET status = {after:d} WHERE history_id = {history_id}"

    if after in LEGAL_MOVES[before]:
        await db.raw(move)
    else:
        with pytest.raises(DatabaseError, match="CheckViolation"):
            await db.raw(move)
