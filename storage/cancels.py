"""The cancels: what their owner wishes to end, one or many."""

from collections.abc import Sequence

from storage import audit
from storage.audit import Action
from storage.db import Db, Row


async def cancel_all(db: Db, history_ids: Sequence[int], user_id: int) -> Sequence[Row]:
    """Cancel downloads at once, or leave a wish to their holders; return those not final."""
    async with db.transaction() as statements:
        rows = await statements.all(
            "downloads_cancel", history_ids=list(history_ids), user_id=user_id
        )
        if rows:
            ids = [row["history_id"] for row in rows]
            await audit.note(statements, Action.CANCEL, user_id=user_id, history_ids=ids)
        return rows
