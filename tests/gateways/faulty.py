"""A source of one short video in every protocol, with one fault at a time."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.support.answers import Answer, Pace, requested_slice, text
from tests.support.content import Blob
from tests.support.journal import Request
from tests.support.media import Ffmpeg, find_ffmpeg
from tests.support.server import LocalServer

SECONDS: Final = 6
_TS: Final = 188
_HLS: Final = "application/vnd.apple.mpegurl"
_DASH: Final = "application/dash+xml"
_PAGE: Final = "<!doctype html><html><title>Busy</title><p>Come back later.</p></html>"
_MPD: Final = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT{seconds}S"><Period><AdaptationSet>'
    '<Representation id="1" mimeType="video/mp4" codecs="avc1.42c00d, mp4a.40.2" bandwidth="9">'
    "{segments}</Representation></AdaptationSet></Period></MPD>"
)
_INITIAL: Final = '<Initialization sourceURL="0.m4s"/>'
ENTRIES: Final[Mapping[str, str]] = {
    "progressive": "clip.mp4",
    "page": "page",
    "hls": "hls.m3u8",
    "hls-ranges": "hls-ranges.m3u8",
    "fmp4": "fmp4.m3u8",
    "fmp4-ranges": "fmp4-ranges.m3u8",
    "dash-template": "template.mpd",
    "dash-list": "list.mpd",
    "dash-ranges": "ranges.mpd",
}
"""The address of each protocol, below the name of a fault."""


class FaultySource(LocalServer):
    """``/{fault}/{entry}`` is the video; its playlists lead on to files with that fault.

    Attributes:
        sizes: Of the bytes of the video in each protocol.
    """

    def __init__(self, folder: Path) -> None:
        """Make the video in a folder."""
        super().__init__()
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        ffmpeg = Ffmpeg(find_ffmpeg())
        clip, fragments = folder / "clip.mp4", folder / "fragments.mp4"
        sources = ("-f", "lavfi", "-i", f"testsrc=size=160x120:rate=10:duration={SECONDS}")
        sound = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}")
        codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10")
        ffmpeg.make(*sources, *sound, *codecs, "-c:a", "aac", "-movflags", "+faststart", clip)
        flags = "+frag_keyframe+empty_moov+default_base_moof"
        ffmpeg.make("-i", clip, "-c", "copy", "-movflags", flags, fragments)
        hls = ("-f", "hls", "-hls_time", "1", "-hls_list_size", "0")
        ffmpeg.make("-i", clip, "-c", "copy", *hls, folder / "own.m3u8")
        segments = [folder / f"own{number}.ts" for number in range(SECONDS)]
        self._clip = clip.read_bytes()
        self._ts = [one.read_bytes() for one in segments]
        self._mp4 = _fragments(fragments.read_bytes())
        wholes = {"progressive": self._clip, "page": self._clip}
        self.sizes = {
            name: len(wholes.get(name) or b"".join(self._ts if "hls" in name else self._mp4))
            for name in ENTRIES
        }

    def fault_url(self, fault: str, protocol: str) -> str:
        """Return the address of the video with a fault."""
        return self.url(f"/{fault}/{ENTRIES[protocol]}")

    def bytes_of(self, fault: str) -> int:
        """Return the bytes of media that were sent with a fault, all that came of it counted."""
        prefix = f"/{fault}/"
        return sum(
            one.bytes_sent
            for one in self.journal
            if one.path.startswith(prefix) and one.path.endswith((".mp4", ".ts", ".m4s"))
        )

    def forget(self) -> None:
        """Empty the journal, and begin each fault anew."""
        super().forget()
        with self._lock:
            self._asked.clear()

    def answer(self, request: Request) -> Answer:
        """Return a playlist, or a file with the fault."""
        fault, _, name = request.path.strip("/").partition("/")
        playlist = self._playlists(fault).get(name)
        if playlist is not None:
            return playlist()
        body = self._bodies().get(name)
        if body is None:
            return text("no such file", status=HTTPStatus.NOT_FOUND)
        with self._lock:
            self._asked[request.path] += 1
            count = self._asked[request.path]
        kind = "video/mp2t" if name.endswith(".ts") else "video/mp4"
        good = Answer(content=Blob(body), media_type=kind, etag="good")
        wanted = request.headers.get("range")
        return _faulty(fault, _Asked(good=good, count=count, name=name, wanted=wanted))

    def _bodies(self) -> dict[str, bytes]:
        return {
            "clip.mp4": self._clip,
            "all.ts": b"".join(self._ts),
            "all.mp4": b"".join(self._mp4),
            **{f"{number}.ts": one for number, one in enumerate(self._ts)},
            **{f"{number}.m4s": one for number, one in enumerate(self._mp4)},
        }

    def _playlists(self, fault: str) -> dict[str, Callable[[], Answer]]:
        seconds = 3600 if fault == "claims-an-hour" else SECONDS
        hour = ',"duration":"PT1H"' if fault == "claims-an-hour" else ""
        facts = f'"@type":"VideoObject","name":"x","contentUrl":"clip.mp4"{hour}'
        page = f'<script type="application/ld+json">{{"@context":"https://schema.org",{facts}}}'
        page = f"<!doctype html><title>x</title>{page}</script>".replace(
            '"clip.mp4"', f'"{self.url(f"/{fault}/clip.mp4")}"'
        )
        ranges = list(_ranges(self._mp4))
        timeline = f'<SegmentTimeline><S t="0" d="1" r="{SECONDS - 1}"/></SegmentTimeline>'
        template = (
            '<SegmentTemplate timescale="1" startNumber="1" initialization="0.m4s" '
            f'media="$Number$.m4s">{timeline}</SegmentTemplate>'
        )
        urls = "".join(f'<SegmentURL media="{one}.m4s"/>' for one in range(1, SECONDS + 1))
        listed = f'<SegmentList duration="1">{_INITIAL}{urls}</SegmentList>'
        parts = "".join(f'<SegmentURL mediaRange="{first}-{last}"/>' for first, last in ranges[1:])
        initial = f'<Initialization range="{ranges[0][0]}-{ranges[0][1]}"/>'
        ranged = (
            f'<BaseURL>all.mp4</BaseURL><SegmentList duration="1">{initial}{parts}</SegmentList>'
        )

        def mpd(segments: str) -> Callable[[], Answer]:
            return lambda: text(_MPD.format(seconds=seconds, segments=segments), media_type=_DASH)

        def hls(lines: list[str], mapped: str = "") -> Callable[[], Answer]:
            return lambda: text(_hls(fault, lines, mapped), media_type=_HLS)

        return {
            "page": lambda: text(page, media_type="text/html"),
            "hls.m3u8": hls([f"{one}.ts" for one in range(SECONDS)]),
            "hls-ranges.m3u8": hls([_byte_range(one, "all.ts") for one in _ranges(self._ts)]),
            "fmp4.m3u8": hls([f"{one}.m4s" for one in range(1, SECONDS + 1)], 'URI="0.m4s"'),
            "fmp4-ranges.m3u8": hls(
                [_byte_range(one, "all.mp4") for one in ranges[1:]],
                f'URI="all.mp4",BYTERANGE="{ranges[0][1] + 1}@0"',
            ),
            "template.mpd": mpd(template),
            "list.mpd": mpd(listed),
            "ranges.mpd": mpd(ranged),
        }


def _hls(fault: str, lines: list[str], mapped: str) -> str:
    head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n"
    head += f"#EXT-X-MAP:{mapped}\n" if mapped else ""
    length = 600 if fault == "claims-an-hour" else 1
    body = "".join(f"#EXTINF:{length},\n{line}\n" for line in lines)
    if fault == "advertisements":
        body = f"#UPLYNK-SEGMENT:a,00,ad\n{body}#UPLYNK-SEGMENT:b,00,segment\n{body}"
    return f"{head}{body}#EXT-X-ENDLIST\n"


def _byte_range(part: tuple[int, int], name: str) -> str:
    first, last = part
    return f"#EXT-X-BYTERANGE:{last - first + 1}@{first}\n{name}"


def _ranges(parts: list[bytes]) -> list[tuple[int, int]]:
    ends = [sum(map(len, parts[: number + 1])) for number in range(len(parts))]
    return [(end - len(part), end - 1) for part, end in zip(parts, ends, strict=True)]


def _fragments(body: bytes) -> list[bytes]:
    """Return the initialization and the fragments of an MP4 that is made of them."""
    begins = [match.start() - 4 for match in re.finditer(b"moof", body)]
    end = body.find(b"mfra") - 4
    edges = [0, *begins, end if end > 0 else len(body)]
    return [body[begin:stop] for begin, stop in pairwise(edges)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One request for a file, and what a good source answers."""

    good: Answer
    count: int
    name: str
    wanted: str | None

    @property
    def is_first(self) -> bool:
        return self.count == (2 if self.name == "clip.mp4" else 1)  # The extractor looks first.

    @property
    def is_later_part(self) -> bool:
        is_later = self.wanted is not None and not self.wanted.startswith("bytes=0-")
        return is_later or self.name in {"2.ts", "2.m4s", "clip.mp4"}

    @property
    def break_off(self) -> Pace:
        size = self.good.content.size_bytes
        return Pace(cut_after=size // 3) if self.is_first else Pace()


_FAULTS: Final[Mapping[str, Callable[[_Asked], Answer]]] = {
    "ignores-ranges": lambda it: replace(it.good, etag=""),
    "two-edges": lambda it: replace(it.good, etag=f"edge-{it.count % 2}"),
    "no-length": lambda it: replace(it.good, is_unmeasured=True),
    "breaks-once": lambda it: replace(it.good, pace=it.break_off),
    "breaks-once-without-ranges": lambda it: replace(it.good, etag="", pace=it.break_off),
    "fails-once": lambda it: (
        text("busy", status=HTTPStatus.SERVICE_UNAVAILABLE) if it.is_first else it.good
    ),
    "ends-early": lambda it: (
        replace(it.good, is_unmeasured=True, pace=Pace(cut_after=it.good.content.size_bytes // 2))
        if it.is_later_part
        else it.good
    ),
    "gone": lambda it: text("gone", status=HTTPStatus.NOT_FOUND) if it.is_later_part else it.good,
    "a-page": lambda it: text(_PAGE, media_type="text/html") if it.is_later_part else it.good,
}


def _faulty(fault: str, asked: _Asked) -> Answer:
    """Return a file as the fault has it."""
    if fault in {"wrong-part", "long-part", "short-part"} and asked.wanted is not None:
        return _part(fault, asked.wanted, asked.good)
    return _FAULTS[fault](asked) if fault in _FAULTS else asked.good


def _part(fault: str, wanted: str, good: Answer) -> Answer:
    size = good.content.size_bytes
    part = requested_slice(wanted, size)
    if part is None:
        return good
    first, stop = part.start, part.stop
    if fault == "wrong-part":
        first, stop = (first + _TS, stop + _TS) if stop + _TS <= size else (0, stop - first)
    elif fault == "long-part":
        stop = min(size, stop + _TS)
    else:
        stop -= _TS
    content = Blob(good.content.read(first, stop))
    headers = {"Content-Range": f"bytes {first}-{stop - 1}/{size}"}
    return replace(good, status=206, etag="", content=content, headers=headers)
