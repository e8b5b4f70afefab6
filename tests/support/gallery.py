"""A site whose videos have pictures: real ones, huge ones, and what is none at all."""

import json
import struct
import zlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from av import VideoCodecContext, VideoFrame

from tests.support.answers import Answer, Pace, text
from tests.support.content import Blob
from tests.support.journal import Request
from tests.support.server import LocalServer

TITLE: Final = 'A picture of <b>"red"</b>'
_CODECS: Final = {
    "red.jpg": ("mjpeg", "yuvj420p"),
    "red.png": ("png", "rgb24"),
    "red.webp": ("libwebp", "yuv420p"),
    "red.gif": ("gif", "bgr8"),
}
_SVG: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>'


def red(name: str, *, width: int = 640, height: int = 360) -> bytes:
    """Return a red picture in the format that its name ends with."""
    codec, pixels = _CODECS[name]
    frame = VideoFrame(width, height, "rgb24")
    frame.planes[0].update(b"\xe0\x10\x10" * (frame.planes[0].buffer_size // 3))
    frame.pts = 0
    encoder: Any = VideoCodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    return b"".join(
        map(bytes, [*encoder.encode(frame.reformat(format=pixels)), *encoder.encode(None)])
    )


def png(width: int, height: int) -> bytes:
    """Return a black picture; 36 million pixels are 35 KB."""
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(width + 1)) for _ in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


class Gallery(LocalServer):
    """The site.

    ========================= ===================================================
    ``/watch?picture=NAME``   a page with a video, whose picture is ``/NAME``
    ``/red.jpg`` and others   what ``red`` returns
    ``/bomb.png``             36 million pixels in a small file
    ``/false.png``            a page
    ``/picture.svg``          a drawing with a script
    ``/large.jpg``            a JPEG of 3 MB
    ``/endless.jpg``          a JPEG that never ends
    ``/slow.jpg``             a JPEG of which a hundred bytes come in a second
    ========================= ===================================================
    """

    def answer(self, request: Request) -> Answer:
        """Return the page or the picture of a path."""
        name = request.path.removeprefix("/")
        if name == "watch":
            return self._page(request.query)
        if name == "clip.mp4":
            return text("not looked into", media_type="video/mp4")
        if name in _CODECS:
            return _picture(red(name))
        jpeg = red("red.jpg")
        return {
            "bomb.png": lambda: _picture(png(6_000, 6_000)),
            "false.png": lambda: text("<p>sign in</p>", media_type="text/html"),
            "picture.svg": lambda: text(_SVG, media_type="image/svg+xml"),
            "large.jpg": lambda: _picture(jpeg + bytes(3_000_000)),
            "endless.jpg": lambda: Answer(content=Blob(jpeg), is_endless=True),
            "slow.jpg": lambda: _picture(jpeg, Pace(bytes_per_s=100)),
        }.get(name, lambda: text("gone", status=404))()

    def watch_url(self, picture: str) -> str:
        """Return the address of a page whose video has a picture, by its name or whole address."""
        return self.url("/watch", picture=picture)

    def _page(self, query: Mapping[str, str]) -> Answer:
        picture = query["picture"]
        video = {
            "@context": "https://schema.org",
            "@type": "VideoObject",
            "name": TITLE,
            "contentUrl": self.url("/clip.mp4"),
            "thumbnailUrl": picture if "://" in picture else self.url(f"/{picture}"),
            "duration": "PT6S",
        }
        facts = json.dumps(video).replace("<", "\\u003c")
        page = f'<!doctype html><title>x</title><script type="application/ld+json">{facts}</script>'
        return text(page, media_type="text/html")


def _picture(body: bytes, pace: Pace | None = None) -> Answer:
    return Answer(content=Blob(body), media_type="image/any", pace=pace or Pace())
