"""Linking: a download takes the file of its twin in the place of a fetch of its own."""

import asyncio

from actors.context import Context
from actors.stage import TwinGoneError
from domain.download import Download
from gateways.ytdlp.options import STEM
from runtime import logs
from storage import manifests
from storage.assets import AssetFaultError
from storage.twins import link_asset

_log = logs.get("actors.linking")


async def link(context: Context, download: Download, twin_id: int) -> None:
    """Leave in staging what a complete fetch would have left, with a link to the twin's file.

    Raises:
        TwinGoneError: It is gone or not as its row says, which then tells so, or cannot be linked,
            and then this download shares nothing any more.
    """
    services = context.services
    twin = await services.twins.kept(twin_id)
    if twin is None:
        raise TwinGoneError
    staging = await asyncio.to_thread(
        services.files.fresh_staging, download.history_id, download.attempt
    )
    media = twin.media(staging / f"{STEM}.{twin.row['extension']}")
    try:
        await asyncio.to_thread(link_asset, services.files, twin.asset, media.path)
    except AssetFaultError as error:
        # Not if its time was over, or its owner deleted it meanwhile.
        if await services.assets.mark(twin_id, error.fault):
            advice = "look at it: vasset scrub"
            _log.error(f"asset_{error.fault.value}", asset=twin_id, advice=advice)
        raise TwinGoneError from error
    except OSError as error:
        await services.twins.disown(download)
        _log.warning("not_linked", twin=twin_id, error=str(error), advice="it is fetched instead")
        raise TwinGoneError from error
    await asyncio.to_thread(manifests.write, staging, media)
    _log.info("linked", twin=twin_id, size_bytes=media.size_bytes)
