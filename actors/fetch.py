"""The stage fetch: let a yt-dlp child bring the video into a staging folder."""

import asyncio

from actors.checksum import BEYOND_QUOTA
from actors.context import Context
from actors.disks import disk_of
from actors.reservation import reserving
from actors.site_cookies import cookies_of
from domain.download import Download, FetchedMedia, Progress
from domain.events import ProgressEvent
from domain.failures import ProxyUnavailableError, TooLargeError
from domain.policy import CROWDED
from domain.requests import site_of
from domain.states import Mode, Stage
from gateways.ytdlp.options import FetchOrder
from runtime import logs
from storage import manifests

_log = logs.get("actors.fetch")


async def fetch(context: Context, download: Download) -> FetchedMedia:
    """Return what the child brought; a repeat of a complete fetch finds its manifest.

    Raises:
        DownloadError: As the child or the runner found, see gateways/ytdlp/causes.py.
        DiskFullError: There is no room for it here, or none any more.
        TooLargeError: It is larger than what is left of its owner's archive, or than any disk.
    """
    services = context.services
    staging = services.files.staging(download.history_id, download.attempt)
    if (media := await asyncio.to_thread(manifests.read, staging)) is not None:
        return media
    lease = context.provider.standing(download.exit_name or "")
    lease = lease or await services.leases.of(download.history_id)
    if lease is None:
        message = "The lease of the proxy has ended."
        raise ProxyUnavailableError(message, reason="lease_ended")
    await asyncio.to_thread(services.files.fresh_staging, download.history_id, download.attempt)
    cookies = await cookies_of(context, site_of(download.wish.url))
    if cookies:
        # What the site shows to them is for nobody else.
        await services.twins.disown(download)
    order = FetchOrder(
        wish=download.wish,
        staging=staging,
        lease=lease,
        cookies=cookies,
        max_bytes=await _most(context, download),
        spare_bytes=(await disk_of(services)).spare_bytes,
        is_careful=download.last_code in CROWDED,
    )
    _log.info("fetch_started", exit=lease.exit_name)
    media = await _fetch(context, download, order)
    await asyncio.to_thread(manifests.write, staging, media)
    _log.info("fetch_finished", size_bytes=media.size_bytes, extractor=media.extractor)
    return media


async def _fetch(context: Context, download: Download, order: FetchOrder) -> FetchedMedia:
    teller = _Teller(context, download)
    async with reserving(context, download) as reservation:

        def hear(progress: Progress) -> None:
            reservation.hear(progress)
            teller.hear(progress)

        try:
            return await context.runner.fetch(order, hear)
        except TooLargeError as error:
            if order.max_bytes < context.services.settings.downloads.max_bytes:
                raise TooLargeError(BEYOND_QUOTA) from error
            raise
        finally:
            teller.close()


async def _most(context: Context, download: Download) -> int:
    """Return how large the file may be, so that none is fetched that may not stay."""
    services = context.services
    most = services.settings.downloads.max_bytes
    if download.mode is not Mode.ARCHIVE:
        return most
    return min(most, await services.quotas.room_of(download))


class _Teller:
    """Publishes the newest progress, one at a time; what comes meanwhile replaces it."""

    def __init__(self, context: Context, download: Download) -> None:
        self._context = context
        self._download = download
        self._newest: Progress | None = None
        self._publishing: asyncio.Task[None] | None = None

    def hear(self, progress: Progress) -> None:
        """Take a progress; returns at once."""
        self._newest = progress
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(self._publish())

    def close(self) -> None:
        """Drop what is not yet published, so that nothing comes after the stage's end."""
        if self._publishing is not None:
            self._publishing.cancel()

    async def _publish(self) -> None:
        while (progress := self._newest) is not None:
            self._newest = None
            await self._context.services.feed.publish(
                ProgressEvent(
                    history_id=self._download.history_id,
                    user_id=self._download.user_id,
                    stage=Stage.FETCH,
                    attempt=self._download.attempt,
                    progress=progress,
                )
            )
