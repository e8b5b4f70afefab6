"""Orders: whose files a request is for, by its token or by its ticket."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from quart import request

from domain.download import User
from domain.keys import Scope
from domain.states import Status
from storage.db import Row
from web.accounts.callers import Caller, proven_caller
from web.bodies import read_query
from web.delivery.shapes import ArchiveAsked, FileAsked
from web.delivery.tickets import Ticket, Use
from web.front import front
from web.problems import Code, InvalidError, ProblemError, forbidden
from web.transport.exchanges import exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Files of one user.

    Attributes:
        use: As a ticket for it would say.
        ticket: None if the request came with an access token or a key.
        key_id: Of the personal API key behind the request or its ticket, or None.
    """

    user: User
    use: Use
    history_ids: tuple[int, ...]
    ticket: Ticket | None = None
    key_id: int | None = None

    @property
    def content(self) -> str:
        """Return what is sent, as one word: the same for the same files."""
        ids = ",".join(map(str, self.history_ids))
        if self.use in (Use.FILE, Use.FILE_HERE):
            return ids
        return f"archive-{hashlib.sha256(ids.encode()).hexdigest()[:16]}"

    def as_ticket(self, use: Use, ends_at: int) -> str:
        """Return a ticket for these files."""
        return front().desk.tickets.give(
            Ticket(
                use=use,
                user_id=self.user.user_id,
                version=self.user.token_version,
                ends_at=ends_at,
                history_ids=self.history_ids,
                key_id=self.key_id,
            )
        )


async def file_order() -> Order:
    """Return what a request for one file wants.

    Raises:
        ProblemError: 401 no token, 403 a ticket that is not good, 422 neither a ticket nor an id,
            or both.
    """
    if (order := await _by_ticket(FileAsked, Use.FILE, Use.FILE_HERE)) is not None:
        return order
    known = await proven_caller(Scope.DELIVER)
    asked = read_query(FileAsked)
    if asked.history_id is None:
        raise _ambiguous()
    return order_of(known, Use.FILE, (asked.history_id,))


async def archive_order() -> Order:
    """Return what a request for several files in one archive wants.

    Raises:
        ProblemError: As ``file_order``.
    """
    if (order := await _by_ticket(ArchiveAsked, Use.ARCHIVE, Use.ARCHIVE_HERE)) is not None:
        return order
    known = await proven_caller(Scope.DELIVER)
    asked = read_query(ArchiveAsked)
    if asked.ids is None:
        raise _ambiguous()
    return order_of(known, Use.ARCHIVE, asked.ids)


def order_of(known: Caller, use: Use, history_ids: tuple[int, ...]) -> Order:
    """Return the order of a caller who showed a token or a key."""
    return Order(user=known.user, use=use, history_ids=history_ids, key_id=known.proof.key_id)


async def rows_of(user: User, history_ids: Sequence[int]) -> list[Row]:
    """Return the rows of finished files, in the order in which they are asked for.

    Raises:
        ProblemError: 403 one is not the user's, 409 not finished, 410 no longer kept.
    """
    wanted = list(dict.fromkeys(history_ids))
    found = await front().services.assets.of_user(wanted, user.user_id)
    rows = {row["history_id"]: row for row in found}
    if len(rows) != len(wanted):
        raise forbidden()
    for row in rows.values():
        _judge(row)
    return [rows[history_id] for history_id in wanted]


def _judge(row: Row) -> None:
    status = Status(row["status"])
    # Gone from the moment on, though the hourly clean-up may not have come by yet.
    if status is Status.EXPIRED or row["is_gone"]:
        raise ProblemError(410, Code.GONE, "The file is no longer kept.")
    if not status.has_asset:
        raise ProblemError(409, Code.CONFLICT, "There is no finished file of this download.")


async def _by_ticket(shape: type[FileAsked | ArchiveAsked], *uses: Use) -> Order | None:
    """Return the order of a request with a ticket, or None if it has none."""
    if "ticket" not in request.args:
        return None
    asked = read_query(shape)
    desk, now = front().desk, front().now()
    late_s = desk.continuations.more_s
    ticket = desk.tickets.read(asked.ticket or "", uses=uses, now=now, late_s=late_s)
    if ticket is None:
        raise _not_good()
    # Only now: whoever cannot say who they are learns nothing but that.
    if asked.model_fields_set != {"ticket"}:
        raise _ambiguous()
    user = await _owner(ticket)
    if user is None or user.token_version != ticket.version:
        raise _not_good()
    # Last, so that only who has a ticket of ours makes anybody look.
    if not await desk.continuations.holds(ticket, now):
        raise _not_good()
    exchange().user_id = user.user_id
    return Order(
        user=user,
        use=ticket.use,
        history_ids=ticket.history_ids,
        ticket=ticket,
        key_id=ticket.key_id,
    )


async def _owner(ticket: Ticket) -> User | None:
    """Return whose ticket it is, or None if the account or the key behind it has ended."""
    if ticket.key_id is None:
        return await front().services.users.by_id(ticket.user_id)
    opened = await front().services.api_keys.open_again(ticket.key_id)
    return None if opened is None else opened.user


def _ambiguous() -> ProblemError:
    return InvalidError(422, "The query string must hold either a ticket or what it is for.")


def _not_good() -> ProblemError:
    return ProblemError(403, Code.FORBIDDEN, "This ticket is not good, or not any more.")
