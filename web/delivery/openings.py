"""Openings: the file of a row, opened once and held against it; what does not fit is marked."""

import os

from domain.failures import FailureCode
from runtime import logs
from storage.assets import AssetFault, AssetFaultError, KeptAsset, open_asset
from storage.deliveries import Outcome
from storage.files import RootMissingError
from web.delivery.orders import Order, rows_of
from web.front import front
from web.problems import ProblemError
from web.transport.disk import on_disk
from web.transport.exchanges import exchange

_log = logs.get("web.delivery.openings")


async def open_for(order: Order, asset: KeptAsset) -> int:
    """Return a descriptor of an asset, closed when the answer has ended.

    Raises:
        ProblemError: 503 it is not there or not as recorded, which its row then says; 410 it
            went in this moment.
    """
    try:
        descriptor = await _open(asset)
    except AssetFaultError as error:
        # It may have expired or been deleted since the row was read: 410 then.
        await rows_of(order.user, [asset.history_id])
        await _mark(asset, error.fault)
        raise _unreadable() from error
    except (OSError, RootMissingError) as error:
        _log.error(
            "asset_unreadable",
            history_id=asset.history_id,
            error=str(error),
            advice="check this node's disk; nothing was marked",
        )
        raise _unreadable() from error
    if asset.fault is not None:
        await front().services.assets.mend(asset.history_id, asset.fault)
    return descriptor


async def _open(asset: KeptAsset) -> int:
    if asset.fault is AssetFault.CORRUPT:
        # Size and inode may still fit; only the scrub can say that it is well again.
        raise AssetFaultError(AssetFault.CORRUPT)
    files, opened = front().services.files, list[int]()
    exchange().exits.callback(lambda: [os.close(descriptor) for descriptor in opened])
    await on_disk(lambda: opened.append(open_asset(files, asset)))
    return opened[0]


async def _mark(asset: KeptAsset, fault: AssetFault) -> None:
    """Let the row say it; told once, and again when it becomes something else."""
    if await front().services.assets.mark(asset.history_id, fault):
        _log.error(
            f"asset_{fault.value}",
            history_id=asset.history_id,
            user_id=asset.user_id,
            advice="bring the file back from a backup; vasset scrub then accepts it",
        )


def _unreadable() -> ProblemError:
    front().desk.tallies.count(Outcome.FAULTY)
    return ProblemError(503, FailureCode.UNAVAILABLE, "The file cannot be read for now.")
