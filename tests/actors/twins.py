"""What the tests of sharing look at: fetches that a site saw, and the files behind rows."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from tests.support.site import Site
from tests.support.station import Row

ONE_FETCH = 2
"""Requests: yt-dlp looks at the address once before it fetches."""

SLOW = 60_000
"""Bytes a second at which a clip takes some seconds."""


def fetches(site: Site, url: str) -> int:
    """Return how often the node fetched from an address."""
    path = url.removeprefix(site.url("")).partition("?")[0]
    requests = len(site.requests_for("/" + path.lstrip("/")))
    assert requests % ONE_FETCH == 0
    return requests // ONE_FETCH


def new_clip(site: Site, **query: str | float) -> str:
    """Return the address of a clip that no other test asks for."""
    return site.clip_url(uuid4().int % 10**9, **query)


def inodes(rows: Sequence[Row]) -> set[int]:
    """Return the files behind rows, having looked that each is as its row says."""
    for row in rows:
        content = Path(row["file_path"]).read_bytes()
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == row["file_hash"]
        assert (len(content), Path(row["file_path"]).stat().st_ino) == (
            row["file_size"],
            row["file_inode"],
        )
    return {row["file_inode"] for row in rows}
