"""The limits: how much may run at once, what cools down, what an administrator has set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

from domain.twins import Share
from storage.db import Db, Row
from storage.nodes import NODE_SILENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How much may run at once, and begin within a minute.

    Attributes:
        slots: On this node.
        per_user: Of one user, over all nodes.
        newcomer_slots: Of the slots, those that only a user of whom nothing runs may take; fewer.
        per_site: Of one site, over all nodes; a row of ``limits`` may say otherwise.
        site_starts: Of one site, a minute; 0 for no limit.
        provider: The provider of proxies that each start asks.
        provider_starts: Through that provider, a minute; 0 for no limit.
        share: With whose twins a download may share a file.
        expected_bytes: Reserved on the disk for a file of which nothing is known yet.
    """

    slots: int
    per_user: int
    newcomer_slots: int = 0
    per_site: int = 1_000
    site_starts: int = 0
    provider: str = "none"
    provider_starts: int = 0
    share: Share = Share.OFF
    expected_bytes: int = 0

    @property
    def values(self) -> Mapping[str, object]:
        """Return them as the statements take them."""
        return asdict(self) | {"silent_s": NODE_SILENT.total_seconds()}


class Limited(StrEnum):
    """What a limit is laid upon."""

    SITE = "site"
    PROVIDER = "provider"


class Limits:
    """The rows of ``limits``; every claim reads them, so a change needs no restart."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def cool(self, kind: Limited, name: str, pause: timedelta) -> None:
        """Let nothing of this name start for so long; a longer pause that runs stays."""
        await self._db.one("limits_cool", kind=kind, limited=name, seconds=pause.total_seconds())

    async def cooling(self, kind: Limited, name: str) -> timedelta | None:
        """Return for how long nothing of this name may start yet, or None if it may."""
        row = await self._db.one("limits_cooling", kind=kind, limited=name)
        return None if row is None else timedelta(seconds=float(row["left_s"]))

    async def set(
        self, kind: Limited, name: str, *, max_active: int | None, max_starts: int | None
    ) -> None:
        """Lay limits on one name; None means what the settings say, 0 starts no limit."""
        await self._db.one(
            "limits_set", kind=kind, limited=name, max_active=max_active, max_starts=max_starts
        )

    async def all(self) -> Sequence[Row]:
        """Return every name that has a row, with what runs and until when it cools down."""
        return await self._db.all("limits_all")
