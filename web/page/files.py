"""The files of the page, as they are sent: named by their content, and small on the wire."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
SHELL = "page.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """One file; ``packed`` is the same by gzip."""

    content: bytes
    packed: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFiles:
    """Every file of the page.

    Attributes:
        digest: Of all of them: it stands in their addresses, so that a browser keeps each for
            good, and never mixes those of two versions.
    """

    digest: str
    by_name: Mapping[str, PageFile]


@cache
def page_files() -> PageFiles:
    """Return the files; they are read once."""
    folder = resources.files("web.page") / "static"
    found = {
        entry.name: entry.read_bytes()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.rpartition(".")[2] in TYPES
    }
    whole = hashlib.sha256()
    for name, content in found.items():
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return PageFiles(
        digest=whole.hexdigest()[:16],
        by_name={name: made(name, content) for name, content in found.items()},
    )


def made(name: str, content: bytes) -> PageFile:
    """Return a file as it is sent."""
    return PageFile(
        content=content,
        packed=gzip.compress(content, mtime=0),
        content_type=TYPES[name.rpartition(".")[2]],
    )
