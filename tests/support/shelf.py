"""A site to look at: lists of videos, streams on air, and texts that break careless readers."""

import json
from typing import Final
from xml.sax.saxutils import escape as xml

from tests.support.answers import Answer, Pace, text
from tests.support.journal import Request
from tests.support.server import LocalServer

MPEGURL: Final = "application/vnd.apple.mpegurl"
LONG: Final = "x" * 1_000_000
HOSTILE: Final = "<script>alert(1)</script>\x00\u202egpj.\r\nSet-Cookie: a=b \ud800😀"
LEFT_OUT: Final = (
    "http://10.0.0.1/inside.mp4",
    "http://167772161/inside.mp4",
    "http://[::1]/inside.mp4",
    "http://metadata.google.internal/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://user:password@video.example/",
    "http://video.example/" + "y" * 3_000,
)
"""Addresses from which no download could start."""
TWICE: Final = ("video.example/1", "video.example/2", "VIDEO.example:80/1")


class Shelf(LocalServer):
    """The site.

    ================== ======================================================
    ``/feed?items=3``  a playlist of so many videos elsewhere
    ``/twice``         a playlist that names a video twice, in two spellings
    ``/inside``        a playlist of one video elsewhere and of ``LEFT_OUT``
    ``/live.m3u8``     a stream on air
    ``/hostile``       a page whose texts are hostile and whose picture is inside
    ``/long``          a page with a title of a million letters
    ``/nothing``       a page without any video
    ================== ======================================================

    Attributes:
        delay_s: Silence before each answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.delay_s = 0.0

    def answer(self, request: Request) -> Answer:
        """Return the page of a path."""
        pages = {
            "/feed": lambda: _feed(int(request.query.get("items", 3))),
            "/twice": lambda: _list("twice", [f"http://{at}" for at in TWICE]),
            "/inside": lambda: _list("inside", [*LEFT_OUT, "http://video.example/last"]),
            "/live.m3u8": lambda: text(
                "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsegment.ts\n", media_type=MPEGURL
            ),
            "/clip.mp4": lambda: text("not looked into", media_type="video/mp4"),
            "/hostile": lambda: self._page(HOSTILE),
            "/long": lambda: self._page(LONG),
        }
        page = pages.get(request.path)
        answer = text("<p>nothing</p>", media_type="text/html") if page is None else page()
        return Answer(
            status=answer.status,
            content=answer.content,
            media_type=answer.media_type,
            pace=Pace(delay_s=self.delay_s),
        )

    def _page(self, title: str) -> Answer:
        video = {
            "@context": "https://schema.org",
            "@type": "VideoObject",
            "name": title,
            "contentUrl": self.url("/clip.mp4"),
            "thumbnailUrl": "http://10.0.0.1/picture.jpg",
            "duration": "PT6S",
        }
        facts = json.dumps(video).replace("<", "\\u003c")
        page = f'<!doctype html><title>x</title><script type="application/ld+json">{facts}</script>'
        return text(page, media_type="text/html")


def _feed(items: int) -> Answer:
    return _list("A feed", [f"http://video.example/{number}" for number in range(items)])


def _list(title: str, urls: list[str]) -> Answer:
    items = "".join(
        f"<item><title>Video of {xml(url[:40])}</title><link>{xml(url)}</link></item>"
        for url in urls
    )
    feed = f"<rss version='2.0'><channel><title>{xml(title)}</title>{items}</channel></rss>"
    return text(feed, media_type="text/xml")
