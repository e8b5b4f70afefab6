"""The states of a download, its stages, and the moves between them."""

from enum import IntEnum, StrEnum


class Status(IntEnum):
    """Where a download stands; the number is what the row and the API carry.

    Source: the contract, section 4; 0 to 3 are the specification's.
    """

    FAILED = 0
    COMPLETED = 1
    EXPIRED = 2
    PENDING_CLEANUP = 3
    QUEUED = 4
    RUNNING = 5
    CANCELLED = 6

    @property
    def label(self) -> str:
        """Return the name that the API shows, such as ``pending_cleanup``."""
        return self.name.lower()

    @property
    def is_active(self) -> bool:
        """Whether work on it is still owed: queued or running."""
        return self in (Status.QUEUED, Status.RUNNING)

    @property
    def has_asset(self) -> bool:
        """Whether a finished file is kept for it."""
        return self in (Status.COMPLETED, Status.PENDING_CLEANUP)


class Stage(StrEnum):
    """A step of the pipeline, in the order in which they run."""

    ACQUIRE_PROXY = "acquire_proxy"
    FETCH = "fetch"
    CHECKSUM = "checksum"
    RECORD = "record"

    @property
    def following(self) -> "Stage | None":
        """Return the stage that is due after this one, or None after the last."""
        stages = list(Stage)
        return stages[stages.index(self) + 1] if self is not stages[-1] else None


class Mode(StrEnum):
    """How long the asset is kept."""

    QUICK = "quick_download"
    ARCHIVE = "archive"

    @property
    def finished(self) -> Status:
        """Return the status that a successful download of this mode ends in."""
        return Status.COMPLETED if self is Mode.ARCHIVE else Status.PENDING_CLEANUP


LEGAL_MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED}),
    Status.RUNNING: frozenset(
        {
            Status.FAILED,
            Status.COMPLETED,
            Status.PENDING_CLEANUP,
            Status.QUEUED,
            Status.CANCELLED,
        }
    ),
    Status.PENDING_CLEANUP: frozenset({Status.EXPIRED}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
    Status.COMPLETED: frozenset(),
    Status.EXPIRED: frozenset(),
}
"""Each status with those that may follow it; the trigger in schema.sql keeps the same table."""
