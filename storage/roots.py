"""The storage root at a node's start: its own, a new one, or an empty folder of a missing disk."""

import asyncio
from functools import partial

from storage.files import Files
from storage.nodes import Nodes


async def prepare(nodes: Nodes, files: Files, node: str) -> None:
    """Make a node's root ready, if it is marked or may be.

    Raises:
        RootMissingError: It is another node's, or lacks the marker of one that has worked before.
        DatabaseError: Whether it has is not known.
    """
    may_mark = await nodes.may_mark(node)
    await asyncio.to_thread(partial(files.prepare_root, may_mark=may_mark))
    # An administrator's word counts for one start.
    await nodes.set_adopts(node, adopts=False)
