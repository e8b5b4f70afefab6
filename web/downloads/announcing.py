"""Announcing: listeners and workers are told of a move, beside the answer."""

from collections.abc import Sequence

from domain.events import StateEvent
from domain.states import Stage, Status
from storage.db import Row
from web.front import front


def tell(rows: Sequence[Row]) -> None:
    """Tell the listeners where downloads stand, in their order."""
    front().errands.run(_publish([_event(row) for row in rows]))


def call_up(rows: Sequence[Row]) -> None:
    """Tell of new downloads of one user, and wake as many as may run: the row alone is the truth.

    The others are woken as these end, in the fair order.
    """
    tell(rows)
    for row in rows[: front().settings.downloads.per_user_active]:
        front().wakeups.send(Stage.ACQUIRE_PROXY, row["history_id"])


async def _publish(events: Sequence[StateEvent]) -> None:
    for event in events:
        if not await front().services.feed.publish(event):
            return


def _event(row: Row) -> StateEvent:
    return StateEvent(
        history_id=row["history_id"],
        user_id=row["user_id"],
        status=Status(row["status"]),
        stage=Stage(row["stage"]),
        attempt=row["attempts"],
    )
