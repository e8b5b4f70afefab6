"""Waiting: what a download that does not run yet waits for, and until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WaitReason(StrEnum):
    """The first thing that must happen before a download goes on."""

    RETRY = "retry"
    """The pause after a failed attempt; the error of that attempt says why it failed."""

    PROXY = "proxy"
    """A proxy that works, or the provider's pause."""

    SITE_COOLDOWN = "site_cooldown"
    """The pause after the site refused us; nothing of that site starts before its end."""

    SITE_LIMIT = "site_limit"
    """Others of the same site: as many run or have just begun as may."""

    USER_LIMIT = "user_limit"
    """Others of the same user: as many run as may."""

    DUPLICATE = "duplicate"
    """An earlier download of the same video, whose file it takes."""

    SLOT = "slot"
    """A free place on a node, in the fair order of the users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a download waits for.

    Attributes:
        until: When that is over at the latest, by the database's clock; None if not known.
    """

    reason: WaitReason
    until: datetime | None
