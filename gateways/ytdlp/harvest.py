"""What a child left in its staging folder, believed only after a look."""

import codecs
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

from domain.download import FetchedMedia
from domain.failures import CorruptError, TooLargeError, UnsupportedSiteError
from gateways.ytdlp.kinds import EXTENSIONS
from gateways.ytdlp.options import HOME, STEM, UNFINISHED, UNKNOWN
from gateways.ytdlp.protocol import Done, Inspected

# What is served in the place of a video: a page, a list that makes a player open other files, a
# picture, a packed file.
_NOT_MEDIA = (
    (("<!doctype", "<html"), "a web page"),
    (("#extm3u", "<?xml", "<mpd", "ffconcat"), "a playlist"),
    (("{", "["), "JSON"),
    (("",), "text"),
)
_NOT_MEDIA_BYTES = (
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*"), "a picture"),
    ((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"Rar!", b"7z\xbc\xaf"), "an archive"),
    ((b"%PDF-",), "a document"),
    ((b"\x7fELF",), "a program"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_LOOKED_AT_BYTES = 512
_EXTENSION = re.compile(r"[A-Za-z0-9_]{1,16}")


def harvest(staging: Path, done: Done, max_bytes: int) -> FetchedMedia:
    """Return the one finished file; call when nothing that could change it is left.

    Its extension is the one that it came under, which ``named`` is to judge.

    Raises:
        UnsupportedSiteError: What came is known to be no media.
        TooLargeError: It is larger than ``max_bytes``.
        CorruptError: There is no file, another beside it, or it is not a plain media file.
    """
    with os.scandir(staging) as entries:
        beside = (entry for entry in entries if entry.name != HOME)
        names = [entry.name for _, entry in zip(range(3), beside, strict=False)]
    if len(names) != 1:
        raise CorruptError
    stem, _, extension = names[0].partition(".")
    if stem != STEM or not _EXTENSION.fullmatch(extension) or extension in UNFINISHED:
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


def named(media: FetchedMedia, inspected: Inspected) -> FetchedMedia:
    """Return a file under the name of what is in it; renames it in its folder.

    Raises:
        UnsupportedSiteError: It is nothing that is known, and nobody called it a video.
        CorruptError: It is nothing that is known.
    """
    extension = inspected.extension
    if extension not in EXTENSIONS:
        raise UnsupportedSiteError if media.extension == UNKNOWN else CorruptError
    path = media.path.with_name(f"{STEM}.{extension}")
    media.path.rename(path)
    return replace(media, path=path, extension=extension)


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
    kind = _no_media(beginning)
    if kind is not None:
        explanation = f"The site sent {kind} instead of a video."
        raise UnsupportedSiteError(explanation)
    return status.st_size


def _no_media(beginning: bytes) -> str | None:
    """Return what a file is that is known to be no media, or None."""
    for prefixes, kind in _NOT_MEDIA_BYTES:
        if beginning.startswith(prefixes):
            return kind
    if beginning[8:12] == b"WEBP":
        return "a picture"
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(beginning)
    except UnicodeDecodeError:
        return None
    if _CONTROLS.search(text):
        return None
    start = text.lstrip().lower()
    return next(kind for prefixes, kind in _NOT_MEDIA if start.startswith(prefixes))
