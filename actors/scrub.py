"""The scrub: archived assets are read again and held against their rows, which then say it.

Each row is written when its file was read, so a death costs the reading of one file.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from dataclasses import dataclass
from datetime import timedelta

from actors.context import Context
from actors.rereading import Pace, Rereading
from runtime import logs
from storage.assets import AssetFault, AssetFaultError, Assets, KeptAsset, ScrubDue

REST = timedelta(days=1)
"""How long the chore leaves alone what it took up, so that nothing stands in the others' way."""

_log = logs.get("actors.scrub")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """What was found out about one asset.

    Attributes:
        fault: What is wrong with it, or None.
        trouble: Why nothing can be said of it; empty if something can.
    """

    asset: KeptAsset
    fault: AssetFault | None = None
    trouble: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it was read and nothing is wrong."""
        return self.fault is None and not self.trouble


class Scrub:
    """Reads archived assets of one node and lets their rows say what came of it."""

    def __init__(self, assets: Assets, reading: Rereading, *, node: str) -> None:
        self._assets = assets
        self._reading = reading
        self._node = node

    async def run(self, due: ScrubDue) -> AsyncGenerator[Scrubbed]:
        """Read what is due now, each once, oldest read first, and yield what came of it.

        Raises:
            RootMissingError: The disk is away; nothing was marked for it.
            DatabaseError: The rows cannot be read or written.
        """
        for history_id in await self._assets.to_scrub(due):
            if (asset := await self._assets.take(history_id, due)) is not None:
                yield await self._examined(asset)

    async def _examined(self, asset: KeptAsset) -> Scrubbed:
        try:
            inode = await self._reading.compare(asset)
        except AssetFaultError as error:
            return await self._faulty(asset, error.fault)
        except OSError as error:
            _log.error(
                "asset_unreadable",
                **self._named(asset),
                error=str(error),
                advice="check this node's disk; nothing was marked",
            )
            return Scrubbed(asset=asset, trouble=error.strerror or str(error))
        await self._assets.set_read(asset.history_id, inode=inode)
        if asset.fault is not None:
            _log.info("asset_well_again", **self._named(asset), fault=asset.fault.value)
        return Scrubbed(asset=asset)

    async def _faulty(self, asset: KeptAsset, fault: AssetFault) -> Scrubbed:
        """Let the row say it, unless its owner deleted it meanwhile; told once."""
        rows = await self._assets.of_user([asset.history_id], asset.user_id)
        if all(row["is_gone"] for row in rows):
            return Scrubbed(asset=asset)
        if await self._assets.mark(asset.history_id, fault):
            _log.error(
                f"asset_{fault.value}",
                **self._named(asset),
                advice="bring the file back from a backup; vasset scrub then accepts it",
            )
        return Scrubbed(asset=asset, fault=fault)

    def _named(self, asset: KeptAsset) -> dict[str, object]:
        return {"history_id": asset.history_id, "user_id": asset.user_id, "node": self._node}


async def scrub(context: Context) -> None:
    """Read what of this node's archive has not been read for long.

    Raises:
        RootMissingError: The disk is away, or it is another node's.
    """
    services, storage = context.services, context.services.settings.storage
    if not storage.scrub_every_d:
        return
    due, count = ScrubDue(age=timedelta(days=storage.scrub_every_d), rest=REST), 0
    with closing(Rereading(services.files, Pace(storage.scrub_bytes_per_s))) as reading:
        run = Scrub(services.assets, reading, node=storage.node).run(due)
        async with aclosing(run) as found:
            async for _ in found:
                count += 1
    if count:
        _log.info("archive_scrubbed", count=count, size_bytes=reading.read_bytes)
