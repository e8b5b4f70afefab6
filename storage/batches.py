"""The batches: downloads that were submitted in one request."""

from collections.abc import Sequence

from domain.quotas import Allowance
from domain.requests import Wish
from domain.states import Mode
from storage.cancels import cancel_all
from storage.db import Db, Row, Statements
from storage.submissions import Submitted, submit_all


class Batches:
    """Downloads that were submitted in one request."""

    def __init__(self, db: Db, allowance: Allowance) -> None:
        self._db = db
        self._allowance = allowance

    async def submit(
        self, statements: Statements, user_id: int, mode: Mode, wishes: Sequence[Wish]
    ) -> Submitted:
        """Submit some wishes as one batch, as far as the quota has room."""
        return await submit_all(statements, self._allowance, user_id, mode, wishes, is_batch=True)

    async def of_user(self, batch_id: int, user_id: int) -> Sequence[Row]:
        """Return history_id, status and attempts of each download; none if it is another's."""
        return await self._db.all("batches_of_user", batch_id=batch_id, user_id=user_id)

    async def cancel(self, batch_id: int, user_id: int) -> Sequence[Row]:
        """Cancel at once, or leave a wish to the holder; return the rows that were not final."""
        members = await self.of_user(batch_id, user_id)
        return await cancel_all(self._db, [row["history_id"] for row in members], user_id)
