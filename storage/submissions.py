"""The submissions: rows inserted as far as the quota of their user has room."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.quotas import Allowance
from domain.requests import Wish
from domain.states import Mode
from domain.twins import twin_key
from storage import audit
from storage.audit import Action
from storage.db import Row, Statements
from storage.quotas import QuotaError, refusal_of
from storage.wishes import FORM, columns_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of some wishes.

    Attributes:
        rows: Of the first of them, in their order.
        refusal: Why there is none for the others; None if there are no others.
    """

    rows: Sequence[Row]
    refusal: QuotaError | None


async def submit_all(
    statements: Statements,
    allowance: Allowance,
    user_id: int,
    mode: Mode,
    wishes: Sequence[Wish],
    *,
    is_batch: bool,
) -> Submitted:
    """Insert queued downloads in one statement, as many as the user's quota has room for.

    Args:
        wishes: One or more, alike in all but their addresses, entries and titles.
        is_batch: Whether they get a ``batch_id``.
    """
    columns = [columns_of(wish) for wish in wishes]
    form = {name: columns[0][name] for name in FORM}
    rows = await statements.all(
        "downloads_submit",
        user_id=user_id,
        urls=[each["url"] for each in columns],
        sites=[each["site"] for each in columns],
        entries=[each["entry"] for each in columns],
        titles=[each["list_title"] for each in columns],
        twin_keys=[twin_key(wish, mode) for wish in wishes],
        mode=mode.value,
        is_batch=is_batch,
        **form,
        **allowance.taking(mode),
    )
    made = [row for row in rows if row["history_id"] is not None]
    if made:
        ids = [row["history_id"] for row in made]
        await audit.note(statements, Action.SUBMIT, user_id=user_id, history_ids=ids)
    return Submitted(rows=made, refusal=refusal_of(rows[0]))
