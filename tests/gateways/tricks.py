"""A site that answers with everything but the video it promised."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.support.answers import Answer, Pace, text
from tests.support.content import Blob
from tests.support.journal import Request
from tests.support.server import LocalServer

MPEGURL = "application/vnd.apple.mpegurl"
_BOMB_BYTES = 600 * 1024 * 1024


@cache
def bomb() -> bytes:
    """Return 600 MiB of nothing, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(_BOMB_BYTES >> 20)) + packer.flush()


class Trickster(LocalServer):
    """Answers by path; ``media`` is set before it is asked.

    Attributes:
        clip: A good video of six seconds.
        victim: The file of another user that is to be stolen.
        inside: An address that may not be reached, with a port that would hear of it.
    """

    def __init__(self, clip: bytes) -> None:
        super().__init__()
        self.clip = clip
        self.victim = Path("/nowhere")
        self.inside = "http://127.0.0.2:9"

    def answer(self, request: Request) -> Answer:
        """Return the trick of a path."""
        kind, _, name = request.path.lstrip("/").partition("/")
        tricks: dict[str, Callable[[], Answer]] = {
            "fake": lambda: _video(self._fakes()[name]),
            "broken": lambda: self._broken(name),
            "list": lambda: text(self._list(name), media_type=MPEGURL),
            "page": lambda: text(self._page(name), media_type="text/html"),
            "to": lambda: Answer(status=302, headers={"Location": self._targets()[name]}),
            "bomb": lambda: replace(_video(bomb()), headers={"Content-Encoding": "gzip"}),
            "endless": lambda: replace(
                text("<p>more</p>" * 1000, media_type="text/html"), is_endless=True
            ),
        }
        return tricks[kind]() if kind in tricks else _video(self.clip)

    def _fakes(self) -> dict[str, bytes]:
        """Return bodies that make a player open something else."""
        at = f"file://{self.victim}"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{at}\n#EXT-X-ENDLIST\n".encode()
        return {
            "playlist": playlist,
            "master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{at}\n".encode(),
            "concat": f"ffconcat version 1.0\nfile '{self.victim}'\n".encode(),
            "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.2\ns=x\nc=IN IP4 127.0.0.2\nt=0 0\n"
            b"m=video 9 RTP/AVP 96\n",
            "dash": f'<?xml version="1.0"?><MPD><BaseURL>{at}</BaseURL></MPD>'.encode(),
            "spaced": b"\xef\xbb\xbf \n\n" + playlist,
            "avi": b"RIFF\x00\x01\x00\x00AVI LIST" + playlist + bytes(500),
            "page": b"<!doctype html><title>Sign in</title>",
            "nothing": b"",
            "noise": bytes(range(256)) * 400,
            "zip": b"PK\x03\x04" + bytes(2_000),
            "script": b"#!/bin/sh\nid\n" * 50,
        }

    def _broken(self, name: str) -> Answer:
        """Return a video with its end missing."""
        most = len(self.clip) * 6 // 10
        if name == "cut":
            return _video(self.clip[:most])
        return replace(_video(self.clip), is_endless=True, pace=Pace(cut_after=most))

    def _list(self, name: str) -> str:
        """Return a playlist that leads inside, or to another's file."""
        inside, good = f"{self.inside}/{name}.ts", self.url("/good.mp4")
        head = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:9\n"
        body = {
            "segment": f"#EXTINF:9,\n{inside}\n",
            "key": f'#EXT-X-KEY:METHOD=AES-128,URI="{inside}"\n#EXTINF:9,\n{good}\n',
            "map": f'#EXT-X-MAP:URI="{inside}"\n#EXTINF:9,\n{good}\n',
            "second": f"#EXTINF:9,\n{good}\n#EXTINF:9,\n{inside}\n",
            "theft": f"#EXTINF:9,\n{self.url('/fake/playlist')}\n",
            "file": f"#EXTINF:9,\nfile://{self.victim}\n",
            "missing": f"#EXTINF:9,\n{good}\n#EXTINF:9,\n{self.url('/to/gone')}\n",
        }
        if name == "master":
            return f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n{inside.replace('.ts', '.m3u8')}\n"
        return f"{head}{body[name]}#EXT-X-ENDLIST\n"

    def _page(self, name: str) -> str:
        inside = f"{self.inside}/{name}.mp4"
        good = self.url("/good.mp4")
        ld = (
            '<script type="application/ld+json">{{"@context":"https://schema.org",'
            '"@type":"VideoObject","name":"x","contentUrl":"{}"{}}}</script>'
        )
        body = {
            "refresh": f'<meta http-equiv="refresh" content="0; url={inside}">',
            "video": f'<video src="{inside}"></video>',
            "iframe": f'<iframe src="{inside}"></iframe>',
            "og": f'<meta property="og:video" content="{inside}">',
            "ld": ld.format(inside, ""),
            "long": ld.format(good, ',"duration":"PT60S"'),
        }
        return f"<!doctype html><html><head><title>x</title>{body[name]}</head></html>"

    def _targets(self) -> dict[str, str]:
        """Return where redirects lead."""
        inside = self.inside
        port = inside.rpartition(":")[2]
        return {
            "plain": inside,
            "decimal": f"http://2130706434:{port}/x.mp4",
            "hexadecimal": f"http://0x7f000002:{port}/x.mp4",
            "octal": f"http://0177.0.0.2:{port}/x.mp4",
            "short": f"http://127.2:{port}/x.mp4",
            "mapped": f"http://[::ffff:127.0.0.2]:{port}/x.mp4",
            "loopback6": f"http://[::1]:{port}/x.mp4",
            "local": f"http://localhost:{port}/x.mp4",
            "user": f"http://good.example@127.0.0.2:{port}/x.mp4",
            "relative": f"//127.0.0.2:{port}/x.mp4",
            "again": self.url("/to/plain"),
            "ftp": f"ftp://127.0.0.2:{port}/x.mp4",
            "file": f"file://{self.victim}",
            "data": "data:video/mp4;base64,AAAA",
            "gopher": f"gopher://127.0.0.2:{port}/x",
            "rtmp": f"rtmp://127.0.0.2:{port}/x",
            "ws": f"ws://127.0.0.2:{port}/x",
            "metadata": "http://169.254.169.254/latest/meta-data/x.mp4",
            "loop": self.url("/to/loop"),
            "gone": self.url("/fake/nothing"),
        }


def _video(body: bytes) -> Answer:
    return Answer(content=Blob(body), media_type="video/mp4")
