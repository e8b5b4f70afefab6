"""What a child left in its staging folder, believed only after a look."""

import os
import stat
from pathlib import Path

from domain.download import FetchedMedia
from domain.failures import CorruptError, TooLargeError, UnsupportedSiteError
from gateways.ytdlp.options import EXTENSIONS, HOME, STEM
from gateways.ytdlp.protocol import Done, Inspected

# What is served in place of a video: a page, or a list that makes a player open other files.
_NOT_MEDIA = (b"<!doctype", b"<html", b"<?xml", b"<mpd", b"#extm3u", b"ffconcat")
_LOOKED_AT_BYTES = 512

_STATED_SHARE = 0.95
_SITES_SHARE = 0.9
_TOLERANCE_S = 1.0


def harvest(staging: Path, done: Done, max_bytes: int) -> FetchedMedia:
    """Return the one finished file; call when nothing that could change it is left.

    Raises:
        UnsupportedSiteError: What came has no kind that a video could have.
        TooLargeError: It is larger than ``max_bytes``.
        CorruptError: There is no file, another beside it, or it is not a plain media file.
    """
    with os.scandir(staging) as entries:
        beside = (entry for entry in entries if entry.name != HOME)
        names = [entry.name for _, entry in zip(range(3), beside, strict=False)]
    if len(names) != 1:
        raise CorruptError
    stem, _, extension = names[0].partition(".")
    if stem == STEM and extension == "unknown_video":
        raise UnsupportedSiteError
    if stem != STEM or extension not in EXTENSIONS:
        raise CorruptError
    path = staging / names[0]
    size_bytes = _inspect(path)
    if size_bytes > max_bytes:
        raise TooLargeError
    return FetchedMedia(
        path=path,
        size_bytes=size_bytes,
        extension=extension,
        title=done.title,
        extractor=done.extractor,
        webpage_url=done.webpage_url,
        thumbnail=done.thumbnail,
        duration_s=done.duration_s,
        warnings=done.warnings,
    )


def check_length(media: FetchedMedia, inspected: Inspected) -> None:
    """Do nothing if a file is as long as its container and its site say.

    Both may round, and a site may count what it puts before and after; much less is cut short.

    Raises:
        CorruptError: It is much shorter.
    """
    promises = ((inspected.stated_s, _STATED_SHARE), (media.duration_s, _SITES_SHARE))
    for promised, share in promises:
        if promised is not None and inspected.found_s < share * promised - _TOLERANCE_S:
            raise CorruptError


def _inspect(path: Path) -> int:
    """Return the size of a plain file of ours that could be media.

    Raises:
        CorruptError: It is a link, is linked from elsewhere, is empty, or is no media.
    """
    try:
        # Neither follow a link nor wait for the other end of a named pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise CorruptError from error
    try:
        status = os.fstat(descriptor)
        is_plain = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if not is_plain or status.st_nlink != 1 or status.st_size == 0:
            raise CorruptError
        beginning = os.read(descriptor, _LOOKED_AT_BYTES)
    finally:
        os.close(descriptor)
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_NOT_MEDIA):
        raise CorruptError
    return status.st_size
