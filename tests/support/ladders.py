"""A site that offers one short video in many sizes, turned every way, in every packaging."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.support.answers import Answer, text
from tests.support.content import File
from tests.support.journal import Request
from tests.support.media import Ffmpeg, find_ffmpeg
from tests.support.server import LocalServer

Size = tuple[int, int]

LADDERS: Final[Mapping[str, tuple[Size, ...]]] = MappingProxyType(
    {
        "landscape": ((256, 144), (426, 240), (640, 360), (1280, 720), (1920, 1080)),
        "portrait": ((360, 640), (720, 1280), (1080, 1920)),
        "square": ((480, 480), (1080, 1080)),
        "cinema": ((854, 356), (1280, 534), (1920, 800)),
        "low": ((426, 240),),
    }
)
VOICES: Final = (("en", "English", 44_100), ("fr", "Français", 48_000), ("ja", "音声", 32_000))
"""The languages of the sound, each with a sample rate of its own, by which a file shows it."""

_TYPES: Final = {".m4a": "audio/mp4", ".mp4": "video/mp4", ".ts": "video/mp2t"} | {
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
}
_HLS: Final = "application/vnd.apple.mpegurl"
_AVC: Final = "avc1.42c01e"


class LadderSite(LocalServer):
    """The site.

    ================================= ======================================================
    ``/page/LADDER``                  a page with a muxed MP4 for each size, which it states
    ``/labels/LADDER``                the same, but the shorter side alone is stated
    ``/unknown/LADDER``               the same, but no size is stated
    ``/hls/LADDER.m3u8``              picture and sound in each variant
    ``/groups/LADDER.m3u8``           pictures, and sound in a group of three languages
    ``/unnamed/LADDER.m3u8``          the same, but the codec of the sound is not named
    ``/nameless/LADDER.m3u8``         the same, but no codec is named
    ``/dash/LADDER.mpd``              pictures, and sound in three languages
    ``/silent/LADDER.mpd``            pictures alone
    ``/vp9/landscape.mpd``            pictures in VP9, and sound in Opus
    ``/sound.mpd``                    sound alone, in three languages
    ``/FILE``                         a file of the folder
    ================================= ======================================================
    """

    def __init__(self, folder: Path) -> None:
        """Serve a folder, which is filled first, in about two seconds."""
        super().__init__()
        self.folder = folder
        _fill(folder, Ffmpeg(find_ffmpeg()))
        self._made: Mapping[str, Callable[[str], Answer]] = {
            "page": lambda ladder: _page(ladder, _sized),
            "labels": lambda ladder: _page(ladder, lambda w, h: f'label="{min(w, h)}p"'),
            "unknown": lambda ladder: _page(ladder, lambda w, h: f'label="{w}-by-{h}"'),
            "hls": lambda ladder: _master(ladder, "both", f'CODECS="{_AVC},mp4a.40.2"'),
            "groups": lambda ladder: _master(
                ladder, "picture", f'CODECS="{_AVC},mp4a.40.2",AUDIO="voice"'
            ),
            "unnamed": lambda ladder: _master(ladder, "picture", f'CODECS="{_AVC}",AUDIO="voice"'),
            "nameless": lambda ladder: _master(ladder, "picture", 'AUDIO="voice"'),
            "segment": _segment,
            "dash": lambda ladder: _manifest(_pictures(ladder), _sounds()),
            "silent": lambda ladder: _manifest(_pictures(ladder)),
            "vp9": lambda _ladder: _manifest(_vp9(), _opus()),
        }

    def answer(self, request: Request) -> Answer:
        """Return what is at the request's path."""
        kind, _, name = request.path.strip("/").partition("/")
        if kind in self._made:
            return self._made[kind](name.rpartition(".")[0] or name)
        if kind == "sound.mpd":
            return _manifest(_sounds())
        file = self.folder / kind
        if name or not file.is_file():
            return text("no such page", status=HTTPStatus.NOT_FOUND)
        media_type = _TYPES.get(file.suffix, "application/octet-stream")
        return Answer(content=File(file), media_type=media_type, etag=file.name)


def _fill(folder: Path, ffmpeg: Ffmpeg) -> None:
    """Make each size once, then all else of it."""
    h264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "1")
    short = ("-t", "1")
    sizes = sorted(set(itertools.chain.from_iterable(LADDERS.values())))
    outputs: list[str | Path] = []
    for width, height in sizes:
        file = folder / f"both-{width}x{height}.mp4"
        scaled = ("-map", "0:v", "-map", "1:a", "-s", f"{width}x{height}", *short)
        outputs += [*scaled, *h264, "-c:a", "aac", "-b:a", "48k", file]
    for _, _, rate in VOICES:
        file = folder / f"sound-{rate}.m4a"
        outputs += ["-map", "1:a", "-ar", str(rate), *short, "-c:a", "aac", "-b:a", "48k", file]
    picture = "color=c=teal:size=256x144:rate=2"
    ffmpeg.make("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine", *outputs)
    for width, height in sizes:
        both = folder / f"both-{width}x{height}.mp4"
        alone = folder / f"picture-{width}x{height}.mp4"
        ffmpeg.make("-i", both, *_copied(both.with_suffix(".ts")), *_copied(alone, "-an"),
                    *_copied(alone.with_suffix(".ts"), "-an"))  # fmt: skip
    for _, _, rate in VOICES:
        file = folder / f"sound-{rate}.m4a"
        ffmpeg.make("-i", file, *_copied(file.with_suffix(".ts")))
    _fill_others(folder, ffmpeg)


def _fill_others(folder: Path, ffmpeg: Ffmpeg) -> None:
    """Make what is not H.264 and AAC."""
    both, other = folder / "both-640x360.mp4", folder / "both-426x240.mp4"
    vp9 = ("-an", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
    vp8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libvorbis")
    opus = ("-vn", "-c:a", "libopus", "-b:a", "48k")
    ffmpeg.make(
        *("-i", both, "-i", other),
        *("-map", "0:v", *vp9, folder / "vp9-640x360.webm"),
        *("-map", "1:v", *vp9, folder / "vp9-426x240.webm"),
        *("-map", "0:a", *opus, folder / "opus.webm"),
        *("-map", "0", *vp8, folder / "vp8.webm"),
        *("-map", "0:a", "-c:a", "libmp3lame", "-b:a", "64k", folder / "sound.mp3"),
        *("-map", "0:a", "-c:a", "flac", folder / "sound.flac"),
        *("-map", "0:a", "-c:a", "libvorbis", folder / "sound.ogg"),
        *("-map", "0:a", "-c:a", "ac3", "-map", "0:v", "-c:v", "copy", folder / "ac3.mkv"),
    )
    tracks = [part for _, _, rate in VOICES for part in ("-i", folder / f"sound-{rate}.m4a")]
    maps = ("-map", "0:v", "-map", "1", "-map", "2", "-map", "3", "-c", "copy")
    ffmpeg.make("-i", both, *tracks, *maps, folder / "tracks.mp4")


def _copied(file: Path, *options: str) -> tuple[str | Path, ...]:
    return (*options, "-c", "copy", file)


def _sized(width: int, height: int) -> str:
    return f'width="{width}" height="{height}" label="{width}x{height}"'


def _page(ladder: str, stated: Callable[[int, int], str]) -> Answer:
    sources = "".join(
        f'<source src="/both-{w}x{h}.mp4" type="video/mp4" {stated(w, h)}>'
        for w, h in LADDERS[ladder]
    )
    page = f"<!doctype html><title>{ladder}</title><video>{sources}</video>"
    return text(page, media_type="text/html")


def _master(ladder: str, kind: str, attributes: str) -> Answer:
    voices = "".join(
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="voice",NAME="{name}",LANGUAGE="{language}",'
        f"DEFAULT={'YES' if language == 'en' else 'NO'},AUTOSELECT=YES,"
        f'URI="/segment/sound-{rate}.m3u8"\n'
        for language, name, rate in VOICES
    )
    variants = "".join(
        f'#EXT-X-STREAM-INF:BANDWIDTH={w * h},RESOLUTION={w}x{h},NAME="{w}x{h}",{attributes}\n'
        f"/segment/{kind}-{w}x{h}.m3u8\n"
        for w, h in LADDERS[ladder]
    )
    used = voices if "AUDIO=" in attributes else ""
    return text(f"#EXTM3U\n#EXT-X-VERSION:4\n{used}{variants}", media_type=_HLS)


def _segment(name: str) -> Answer:
    lines = ("#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-TARGETDURATION:1", "#EXT-X-PLAYLIST-TYPE:VOD")
    body = "\n".join((*lines, "#EXTINF:1.0,", f"/{name}.ts", "#EXT-X-ENDLIST", ""))
    return text(body, media_type=_HLS)


def _manifest(*sets: str) -> Answer:
    body = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
        f"<Period>{''.join(sets)}</Period></MPD>"
    )
    return text(body, media_type="application/dash+xml")


def _pictures(ladder: str) -> str:
    return "".join(
        _representation(f"{w}x{h}", f"/picture-{w}x{h}.mp4", "video/mp4",
                        f'width="{w}" height="{h}" codecs="{_AVC}" bandwidth="{w * h}"')
        for w, h in LADDERS[ladder]
    )  # fmt: skip


def _sounds() -> str:
    return "".join(
        _representation(name, f"/sound-{rate}.m4a", "audio/mp4",
                        'codecs="mp4a.40.2" bandwidth="48000"', language)
        for language, name, rate in VOICES
    )  # fmt: skip


def _vp9() -> str:
    sizes: Iterable[Size] = ((426, 240), (640, 360))
    return "".join(
        _representation(f"{w}x{h}", f"/vp9-{w}x{h}.webm", "video/webm",
                        f'width="{w}" height="{h}" codecs="vp9" bandwidth="{w * h}"')
        for w, h in sizes
    )  # fmt: skip


def _opus() -> str:
    return _representation("opus", "/opus.webm", "audio/webm", 'codecs="opus" bandwidth="48000"')


def _representation(
    name: str, address: str, media_type: str, attributes: str, language: str = "en"
) -> str:
    return (
        f'<AdaptationSet mimeType="{media_type}" lang="{language}">'
        f'<Representation id="{name}" {attributes}>'
        f"<BaseURL>{address}</BaseURL></Representation></AdaptationSet>"
    )
