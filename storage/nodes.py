"""The storage nodes: heartbeats, the room on their disks, and draining."""

from collections.abc import Sequence
from datetime import timedelta

from storage.db import Db, Row, Statements
from storage.disk import Disk

NODE_SILENT = timedelta(seconds=60)
"""A node whose heartbeat is older than this is taken for dead."""


class Nodes:
    """The rows of the nodes."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def beat(self, node: str, url: str, *, sandbox: str, disk: Disk | None = None) -> bool:
        """Say that a node lives and how it is; return whether it is draining.

        Args:
            sandbox: How strong it is.
            disk: None if that is not known; then it has room for everything.
        """
        row = await self._db.one(
            "nodes_beat",
            node=node,
            url=url,
            sandbox=sandbox,
            total_bytes=disk and disk.total_bytes,
            free_bytes=disk and disk.free_bytes,
            staging_bytes=disk and disk.staging_bytes,
            room_bytes=disk and disk.room_bytes,
            silent_s=NODE_SILENT.total_seconds(),
        )
        return row is not None and bool(row["draining"])

    async def have_room(self, statements: Statements, expected_bytes: int) -> bool:
        """Return whether a living node could take a file of about this size; True if none lives."""
        row = await statements.one(
            "nodes_room",
            expected_bytes=expected_bytes,
            silent_s=NODE_SILENT.total_seconds(),
        )
        return row is None or bool(row["has_room"])

    async def note_cleaned(self, node: str) -> None:
        """Note that a clean-up of this node has left nothing behind."""
        await self._db.one("nodes_note_cleaned", node=node)

    async def cleanups(self) -> Sequence[Row]:
        """Return of each node ``alive``, ``cleaned_at`` (0: never) and ``lag_s``."""
        return await self._db.all("nodes_cleanups", silent_s=NODE_SILENT.total_seconds())

    async def set_draining(self, node: str, *, draining: bool) -> bool:
        """Let a node take nothing new, or again; return False if there is no such node."""
        row = await self._db.one("nodes_set_draining", node=node, draining=draining)
        return row is not None

    async def may_mark(self, node: str) -> bool:
        """Return whether a node may take a root without a marker for its own.

        One that has worked before may not: an empty folder is where its disk should be.
        """
        row = await self._db.one("nodes_may_mark", node=node)
        return row is None or bool(row["may_mark"])

    async def set_adopts(self, node: str, *, adopts: bool) -> bool:
        """Set whether a node may take a new root at its next start; False if it does not exist."""
        return await self._db.one("nodes_set_adopts", node=node, adopts=adopts) is not None

    async def all(self) -> Sequence[Row]:
        """Return every node: whether it is ``alive``, what is ``running``, how its disk is."""
        return await self._db.all("nodes_all", silent_s=NODE_SILENT.total_seconds())

    async def url_of(self, node: str) -> str | None:
        """Return where a node is reached; None if it is silent, unknown or has no address."""
        row = await self._db.one("nodes_one", node=node, silent_s=NODE_SILENT.total_seconds())
        return row["url"] or None if row is not None and row["alive"] else None
