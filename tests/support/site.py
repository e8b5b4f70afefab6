"""A video site on loopback, with every fault that real ones have."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.answers import Answer, Pace, text
from tests.support.content import Blob, Content, File, md5
from tests.support.journal import Request
from tests.support.media import Media
from tests.support.server import LocalServer

_Query = Mapping[str, str]

_MEDIA_TYPES: Final = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4a": "audio/mp4",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".mpd": "application/dash+xml",
    ".ts": "video/mp2t",
}
# What the watch page takes for itself; every other parameter goes on to the clip.
_PAGE_PARAMETERS: Final = {"title"}
#: Titles that break careless file names, headers, logs and pages.
HOSTILE_TITLES: Final = (
    "../../../../etc/passwd",
    'a/b\\c:d*e?f"g<h>i|j',
    "-rf --exec=id",
    "$(id) `id` %(id)s {id} ; id",
    "<script>alert(1)</script>",
    "line\r\nSet-Cookie: a=b",
    "\u202egpj.4pm \u0000\u0007\u001b[31m",
    "日本語のタイトル 🎬 é",
    "x" * 1000,
    ".",
    "",
    "CON",
)


class Site(LocalServer):
    """The site. Any path takes ``delay_s``, ``bytes_per_s``, ``stall_after``, ``cut_after``.

    ==================================== ===================================================
    ``/clips/3.mp4[?size=1048576]``      a clip, its own bytes for each number; of that size
    ``/hls/index.m3u8``                  six segments
    ``/dash/manifest.mpd``               two pictures and one sound, to be merged
    ``/audio.m4a``                       sound alone
    ``/watch/3[?title=T&...]``           a page with clip 3; the other parameters go to it
    ``/subtitled/3``                     a page with clip 3 and subtitles in en, de and pt-BR
    ``/status/404[?retry_after=1]``      that status
    ``/flaky/KEY?times=2&status=503``    that status for the first requests, then clip 0
    ``/changing/KEY?size=1048576``       clip 0 broken off in its middle, then clip 1
    ``/endless.mp4``                     a clip again and again, without a length
    ``/lies.mp4``                        a page that is called ``video/mp4``
    ``/several/KEY?clips=3,4[&then=5]``  a page with several ``<video>``, each a numbered clip
    ``/feed?clips=3,4``                  a feed with links to clips, called ``Episode 3``, ...
    ``/redirect?to=URL[&status=302]``    a redirect
    ==================================== ===================================================
    """

    def __init__(self, media: Media | Path) -> None:
        """Serve the media, or make them in a folder first."""
        super().__init__()
        self.media = media if isinstance(media, Media) else Media(media)
        self._failures: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._pages: dict[str, Callable[[str, _Query], Answer]] = {
            "changing": self._changing,
            "endless.mp4": self._endless,
            "feed": self._feed,
            "flaky": self._flaky,
            "lies.mp4": _lies,
            "redirect": _redirect,
            "several": self._several,
            "status": _status,
            "subtitled": self._subtitled,
            "subtitles": _subtitles,
            "watch": self._watch,
        }

    def clip_url(self, number: int, **query: str | float) -> str:
        """Return the address of a numbered clip."""
        return self.url(f"/clips/{number}.mp4", **query)

    def held_url(self, number: int) -> str:
        """Return the address of a clip that takes minutes, unless it is told to ``hurry``."""
        return self.clip_url(number, bytes_per_s=1_000)

    def watch_url(self, number: int, title: str, **query: str | float) -> str:
        """Return the address of a page with a clip; the query goes on to the clip."""
        return self.url(f"/watch/{number}", title=title, **query)

    def several_url(self, *clips: int, then: Sequence[int] = (), key: str = "") -> str:
        """Return the address of a page with several numbered clips.

        Args:
            then: Those that it has from its second request on, counted by ``key``.
        """
        later = {"then": ",".join(map(str, then))} if then else {}
        return self.url(f"/several/{key}", clips=",".join(map(str, clips)), **later)

    def feed_url(self, *clips: int) -> str:
        """Return the address of a feed that names clips, each with a title of the feed's own."""
        return self.url("/feed", clips=",".join(map(str, clips)))

    def md5(self, path: str) -> str:
        """Return the MD5 of the true bytes of a clip or file, in hexadecimal.

        Args:
            path: As in ``url``, a query included.

        Raises:
            LookupError: The site has no such file.
        """
        parts = urlsplit(path)
        content = self._content(parts.path, dict(parse_qsl(parts.query)))
        if content is None:
            raise LookupError(path)
        return md5(content)

    def answer(self, request: Request) -> Answer:
        """Return the page or file of the request's path."""
        page, _, rest = request.path.lstrip("/").partition("/")
        try:
            if page in self._pages:
                answer = self._pages[page](rest, request.query)
            else:
                answer = self._file(request.path, request.query)
            pace = Pace.parse(request.query)
            return answer if pace == Pace() else replace(answer, pace=pace)
        except ValueError as fault:
            return text(f"bad parameter: {fault}", status=HTTPStatus.BAD_REQUEST)

    def _file(self, path: str, query: _Query) -> Answer:
        content = self._content(path, query)
        if content is None:
            return text("no such page", status=HTTPStatus.NOT_FOUND)
        media_type = _MEDIA_TYPES.get(Path(path).suffix, "application/octet-stream")
        etag = f"{Path(path).stem}-{content.size_bytes}"
        return Answer(content=content, media_type=media_type, etag=etag)

    def _content(self, path: str, query: _Query) -> Content | None:
        folder, _, name = path.strip("/").rpartition("/")
        if folder == "clips":
            number = Path(name).stem
            if not number.isdecimal():
                return None
            size = query.get("size")
            if size is None:
                return self.media.numbered(int(number))
            return self.media.padded(int(size), int(number))
        file = self.media.folder / folder / name
        return File(file) if folder in {"", "hls", "dash"} and file.is_file() else None

    def _watch(self, rest: str, query: _Query) -> Answer:
        passed_on = {name: query[name] for name in query if name not in _PAGE_PARAMETERS}
        clip = self.url(f"/clips/{rest}.mp4") + (f"?{urlencode(passed_on)}" if passed_on else "")
        title = query.get("title", f"Clip {rest}")
        video = {"@context": "https://schema.org", "@type": "VideoObject", "name": title}
        # Not in a <video> element: there yt-dlp adds " (1)" to the title.
        facts = json.dumps(video | {"contentUrl": clip, "duration": "PT6S"}).replace("<", "\\u003c")
        page = (
            f'<!doctype html><html><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f'<meta property="og:title" content="{escape(title)}">'
            f'<meta property="og:video" content="{escape(clip)}">'
            f'<script type="application/ld+json">{facts}</script></head><body></body></html>'
        )
        return text(page, media_type="text/html")

    def _several(self, key: str, query: _Query) -> Answer:
        with self._lock:
            self._failures[f"several {key}"] += 1
            is_old = "then" not in query or self._failures[f"several {key}"] == 1
        numbers = query["clips" if is_old else "then"].split(",")
        clips = "".join(f'<video src="/clips/{number}.mp4"></video>' for number in numbers)
        page = (
            f"<!doctype html><html><head><title>Several</title></head><body>{clips}</body></html>"
        )
        return text(page, media_type="text/html")

    def _feed(self, _rest: str, query: _Query) -> Answer:
        items = "".join(
            f"<item><title>Episode {number}</title><link>{self.clip_url(int(number))}</link></item>"
            for number in query["clips"].split(",")
        )
        feed = f"<rss version='2.0'><channel><title>Feed</title>{items}</channel></rss>"
        return text(feed, media_type="text/xml")

    def _subtitled(self, rest: str, _query: _Query) -> Answer:
        tracks = "".join(
            f'<track kind="subtitles" srclang="{code}" src="/subtitles/{code}.{form}">'
            for code, form in (("en", "vtt"), ("de", "srt"), ("pt-BR", "vtt"), ("fr", "ttml"))
        )
        page = f'<!doctype html><title>x</title><video src="/clips/{rest}.mp4">{tracks}</video>'
        return text(page, media_type="text/html")

    def _flaky(self, key: str, query: _Query) -> Answer:
        with self._lock:
            self._failures[key] += 1
            is_over = self._failures[key] > int(query.get("times", 1))
        return self._file("/clips/0.mp4", query) if is_over else _status("", query)

    def _changing(self, key: str, query: _Query) -> Answer:
        size = int(query["size"])
        with self._lock:
            self._failures[key] += 1
            # The extractor looks first, then the transfer begins.
            is_old = self._failures[key] <= 2
        content = self.media.padded(size, 0 if is_old else 1)
        etag, pace = ("old", Pace(cut_after=size // 2)) if is_old else ("new", Pace())
        return Answer(content=content, media_type="video/mp4", etag=etag, pace=pace)

    def _endless(self, _rest: str, _query: _Query) -> Answer:
        content = Blob(self.media.clip.read_bytes())
        return Answer(content=content, media_type="video/mp4", is_endless=True)


def _subtitles(name: str, _query: _Query) -> Answer:
    if name.endswith(".srt"):
        return text("1\n00:00:01,000 --> 00:00:03,000\nHallo\n")
    return text(f"WEBVTT\n\n00:01.000 --> 00:09.000\nThis is {name}\n", media_type="text/vtt")


def _status(code: str, query: _Query) -> Answer:
    status = int(code or query.get("status", HTTPStatus.SERVICE_UNAVAILABLE))
    headers = {"Retry-After": query["retry_after"]} if "retry_after" in query else {}
    return replace(text(f"status {status}", status=status), headers=headers)


def _lies(_rest: str, _query: _Query) -> Answer:
    page = "<!doctype html><html><title>Sorry</title><body>Not here.</body></html>"
    return Answer(content=Blob(page.encode()), media_type="video/mp4")


def _redirect(_rest: str, query: _Query) -> Answer:
    status = int(query.get("status", HTTPStatus.FOUND))
    return Answer(status=status, headers={"Location": query.get("to", "/")})
