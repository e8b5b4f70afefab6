"""A site's picture made small, in the child of a look: no other process decodes it.

Nothing here is caught. What goes wrong is told as any failure of a child, after its last word of
the look; so it costs nobody anything but the picture. Source: docs/decisions/0014-parse.md.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from av import Packet, VideoCodecContext, VideoFrame
from av.video.reformatter import ColorRange

from domain.failures import TooLargeError, UnsupportedSiteError
from gateways.ytdlp.facts import thumbnail_url
from gateways.ytdlp.miniatures import HEIGHT, MAX_BYTES, WIDTH, Miniature

MAX_SOURCE_BYTES = 2 * 1024 * 1024
MAX_SOURCE_PIXELS = 16_000_000
"""Twice of 4K; a file of some bytes may state four thousand million."""

# Decoders for one image each, without any demuxer: none follows names or looks for a format.
_SIGNATURES = {
    "mjpeg": rb"\xff\xd8\xff",
    "png": rb"\x89PNG\r\n\x1a\n",
    "webp": rb"RIFF....WEBP",
    "gif": rb"GIF8[79]a",
}
_COARSENESS = (4, 10, 31)
"""Of the JPEG, the best first; the last takes even noise."""


def miniature_of(found: Mapping[str, Any], urlopen: Callable[[str], Any]) -> Miniature | None:
    """Return the picture of what was found; None if the site names none.

    Args:
        urlopen: Opens an address as the look did.

    Raises:
        TooLargeError: It has too many bytes.
        UnsupportedSiteError: It is in none of the formats above.
        Exception: Whatever yt-dlp and PyAV raise.
    """
    url = thumbnail_url(found, WIDTH)
    if url is None:
        return None
    source = bytes(urlopen(url).read(MAX_SOURCE_BYTES + 1))
    if len(source) > MAX_SOURCE_BYTES:
        raise TooLargeError
    return Miniature.of(_shrunk(_decoded(source)))


def _decoded(source: bytes) -> VideoFrame:
    """Return the first picture in an image."""
    signed = (name for name, sign in _SIGNATURES.items() if re.match(sign, source, re.DOTALL))
    name = next(signed, None)
    if name is None:
        raise UnsupportedSiteError
    decoder: Any = VideoCodecContext.create(name, "r")
    # The decoder asks it of itself, before it takes memory for a picture.
    decoder.options = {"max_pixels": str(MAX_SOURCE_PIXELS)}
    decoder.thread_count = 1
    return (decoder.decode(Packet(source)) or decoder.decode(None))[0]


def _shrunk(picture: VideoFrame) -> bytes:
    """Return a picture as a JPEG within all bounds; it is never enlarged."""
    scale = min(1.0, WIDTH / picture.width, HEIGHT / picture.height)
    small = picture.reformat(
        width=max(1, round(picture.width * scale)),
        height=max(1, round(picture.height * scale)),
        format="yuv420p",
        interpolation="AREA",
        dst_color_range=ColorRange.JPEG,
    )
    small.pts = 0
    drafts = (_encoded(small, coarseness) for coarseness in _COARSENESS)
    return next(jpeg for jpeg in drafts if len(jpeg) <= MAX_BYTES)


def _encoded(small: VideoFrame, coarseness: int) -> bytes:
    encoder: Any = VideoCodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = small.width, small.height, "yuv420p"
    encoder.color_range = ColorRange.JPEG
    encoder.time_base = Fraction(1)
    encoder.thread_count = 1
    bounds = {"qmin": str(coarseness), "qmax": str(coarseness)}
    encoder.options = {"flags": "+bitexact", **bounds}
    return b"".join(map(bytes, [*encoder.encode(small), *encoder.encode(None)]))
