"""The only user of `asyncpg`: opens connections, discards unfit ones, translates its faults."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# asyncpg is not typed.

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from storage import database_url
from storage.database_url import Host

Raw = asyncpg.Connection
"""A connection of the driver's."""

StaleStatementError = asyncpg.InvalidCachedStatementError
"""A statement was prepared before a change of the schema; its transaction is lost."""

_CONNECT_LIMIT_S = 10.0
"""How long all hosts together may take to accept us where statements have no limit."""

_NEXT_HOST = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)
_STATEMENTS_KEPT = 100


class DatabaseError(Exception):
    """The database is away, full or refused a statement; nothing is known of the result."""


class TooSlowError(DatabaseError):
    """A statement took longer than it may, and was ended without a trace."""


class BusyError(DatabaseError):
    """A lock was not granted in time, or a deadlock was broken; nothing was written."""


class Pooler(StrEnum):
    """The pooler between us and PostgreSQL, by the ``pool_mode`` of PgBouncer."""

    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"


class _Stateless(asyncpg.Connection):
    """A connection on which no session state remains, so nothing has to be reset after use.

    asyncpg would ask the server to do so after each statement, which doubles every round trip.
    It still ends a transaction that was left open. Source: docs/decisions/0003-database-door.md.
    """

    @override
    def get_reset_query(self) -> str:
        return ""


class Connector:
    """Connects to the first host that takes us, beginning with the last that did.

    asyncpg by itself would spend the whole time on the first host if that one is silent.

    Args:
        limit: How long the server lets a statement run; None for as long as it needs.
        limit_s: How long all hosts together may take, in seconds.

    Raises:
        UnreadableUrlError: The address cannot be read.
    """

    def __init__(
        self, url: str, *, limit: timedelta | None, limit_s: float | None, pooler: Pooler
    ) -> None:
        self._url = database_url.parse(url)
        self._limit_s = limit_s or _CONNECT_LIMIT_S
        self._pooler = pooler
        self._best = 0
        limit_ms = "0" if limit is None else str(int(limit.total_seconds() * 1000))
        self._settings = {
            "statement_timeout": limit_ms,
            "idle_in_transaction_session_timeout": limit_ms,
            # Compiling a plan costs far more than any of our short statements.
            "jit": "off",
        }

    @property
    def pool_sizes(self) -> Mapping[str, int]:
        """Return ``min_size`` and ``max_size``, as far as the address has them."""
        return self._url.pool

    @property
    def first_of_transaction(self) -> str:
        """Return what each transaction begins with, since no session of the server's is ours."""
        return self._script("LOCAL") if self._pooler is Pooler.TRANSACTION else ""

    async def __call__(self, *_: object, **given: Any) -> Raw:  # noqa: ANN401 - asyncpg's own pool
        """Return a new connection; called by asyncpg's pool."""
        hosts: Sequence[Host | None] = self._url.hosts or (None,)
        fault: BaseException | None = None
        for number in range(len(hosts)):
            at = (self._best + number) % len(hosts)
            try:
                raw = await self._connect(hosts[at], self._limit_s / len(hosts), given)
            except _NEXT_HOST as error:
                fault = error
            else:
                self._best = at
                return raw
        raise fault or AssertionError

    async def _connect(self, host: Host | None, timeout_s: float, given: Mapping[str, Any]) -> Raw:
        url = self._url
        # PgBouncer refuses every other parameter of a start-up.
        settings = self._settings if self._pooler is Pooler.NONE else {}
        raw = await asyncpg.connect(
            url.dsn,
            host=host and host.name,
            port=host and host.port,
            user=url.user,
            password=url.password,
            ssl=url.is_tls,
            timeout=cast("int", timeout_s),
            loop=given["loop"],
            connection_class=_Stateless,
            record_class=given["record_class"],
            statement_cache_size=0 if self._pooler is Pooler.TRANSACTION else _STATEMENTS_KEPT,
            server_settings={"application_name": "vasset", **settings},
        )
        if self._pooler is Pooler.SESSION:
            await raw.execute(self._script("SESSION"))
        return raw

    def _script(self, scope: str) -> str:
        return "".join(f"SET {scope} {name} = '{it}';" for name, it in self._settings.items())


class discarding:  # noqa: N801 - reads as a statement: `with discarding(raw):`
    """Ends a connection whose fault the next statement would meet too.

    Attributes:
        is_unfit: Whether its server takes no writes, or is going.
    """

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self.is_unfit = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, asyncpg.PostgresError):
            # Invalid transaction state, such as of one that may only read; operator intervention.
            code = str(getattr(error, "sqlstate", ""))
            self.is_unfit = code.startswith(("25", "57P"))
        if (self.is_unfit or isinstance(error, TimeoutError)) and is_open(self._raw):
            self._raw.terminate()


def is_open(raw: Raw) -> bool:
    """Return whether a connection that the pool lent can still be used."""
    # The pool takes back by itself what was ended.
    with suppress(asyncpg.InterfaceError):
        return not raw.is_closed()
    return False


class translated:  # noqa: N801 - reads as a statement: `with translated():`
    """Turns every fault of the driver into DatabaseError; leaves cancellation alone."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)):
            raise BusyError(type(error).__name__) from error
        if isinstance(error, asyncpg.QueryCanceledError):
            raise TooSlowError(type(error).__name__) from error
        if isinstance(error, _OF_A_POOLER):
            message = f"{type(error).__name__}; behind PgBouncer set database.pooler"
            raise DatabaseError(message) from error
        if isinstance(error, database_url.UnreadableUrlError):
            raise DatabaseError(str(error)) from error
        if isinstance(error, (*_FAULTS, TimeoutError)):
            # The text may name the server but never carries the password or a row's values.
            raise DatabaseError(type(error).__name__) from error


_FAULTS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    SQLAlchemyError,
)
_OF_A_POOLER = (
    # A parameter of the start-up was refused; a statement that another session had prepared.
    asyncpg.ProtocolViolationError,
    asyncpg.DuplicatePreparedStatementError,
    asyncpg.InvalidSQLStatementNameError,
)
