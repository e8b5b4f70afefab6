"""Cool-downs: what a site or the provider refused tells every other download to wait.

The limits themselves stand in the claim, see docs/decisions/0009-limits.md.
"""

from datetime import timedelta

from actors.context import Context
from domain.failures import (
    BlockedError,
    DownloadError,
    ProxyUnavailableError,
    RateLimitedError,
)
from domain.policy import RETRY_AFTER_CAP
from runtime import logs
from storage.limits import Limited

_log = logs.get("actors.limits")


async def cool_down(context: Context, site: str, error: DownloadError) -> None:
    """Let a site that limits or refuses us rest, and a provider that asked for it."""
    settings = context.services.settings
    match error:
        case RateLimitedError() | BlockedError():
            pause = error.retry_after or timedelta(seconds=settings.downloads.site_cooldown_s)
            kind, name = Limited.SITE, site
        case ProxyUnavailableError() if error.retry_after is not None:
            pause, kind, name = error.retry_after, Limited.PROVIDER, settings.proxy.provider
        case _:
            return
    pause = min(pause, RETRY_AFTER_CAP)
    await context.services.limits.cool(kind, name, pause)
    _log.warning("cooling_down", kind=kind.value, name=name, pause_s=pause.total_seconds())
