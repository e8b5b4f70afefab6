"""The cookies that an administrator gave for a site, opened for the child that visits it."""

from actors.context import Context
from domain.cookies import CookiesError, of_site
from runtime import logs
from storage.sealing import SealedError

_log = logs.get("actors.site_cookies")


async def cookies_of(context: Context, site: str) -> str:
    """Return the cookies of the very site that was asked for; without them it may still answer."""
    try:
        kept = await context.services.cookies.of(site)
        # Once more: an earlier version kept lines on which yt-dlp fails.
        return of_site(kept, site).text if kept else ""
    except (SealedError, CookiesError) as error:
        _log.error(
            "cookies_unreadable",
            site=site,
            error=str(error),
            advice="give this worker the auth.secret of `vasset cookies add`, or add them again",
        )
        return ""
