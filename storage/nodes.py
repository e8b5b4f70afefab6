"""The storage nodes: heartbeats and draining."""

from collections.abc import Sequence
from datetime import timedelta

from storage.db import Db, Row

NODE_SILENT = timedelta(seconds=60)
"""A node whose heartbeat is older than this is taken for dead."""


class Nodes:
    """The rows of the nodes."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def beat(self, node: str, url: str, *, sandbox: str) -> bool:
        """Say that a node lives and how strong its sandbox is; return whether it is draining."""
        row = await self._db.one("nodes_beat", node=node, url=url, sandbox=sandbox)
        return row is not None and bool(row["draining"])

    async def set_draining(self, node: str, *, draining: bool) -> bool:
        """Let a node take nothing new, or again; return False if there is no such node."""
        row = await self._db.one("nodes_set_draining", node=node, draining=draining)
        return row is not None

    async def all(self) -> Sequence[Row]:
        """Return every node with ``alive`` and the number of downloads ``running`` there."""
        return await self._db.all("nodes_all", silent_s=NODE_SILENT.total_seconds())

    async def url_of(self, node: str) -> str | None:
        """Return where a node is reached; None if it is silent, unknown or has no address."""
        row = await self._db.one("nodes_one", node=node, silent_s=NODE_SILENT.total_seconds())
        return row["url"] or None if row is not None and row["alive"] else None
