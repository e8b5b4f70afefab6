"""Small real videos of every kind, made once in each test session."""

import importlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final, Protocol, cast

from tests.support.content import PaddedClip
from tests.support.parts import MissingPartError

_SECONDS: Final = 6
_H264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10")
_AAC: Final = ("-c:a", "aac", "-b:a", "64k")
_FASTSTART: Final = ("-movflags", "+faststart")


class _ImageioFfmpeg(Protocol):
    def get_ffmpeg_exe(self) -> str: ...


class Media:
    """The videos in one folder, made there by the constructor in about half a second.

    Attributes:
        clip: MP4, 6 s, 160x120 with sound, about 100 KB.
        tiny: MP4, 1 s, about 10 KB; what padded clips start with.
        audio: M4A, sound only.
        hls: The playlist of six MPEG-TS segments, beside it.
        dash: The manifest of two pictures (120 and 240 lines) and one sound, in fragments.

    Raises:
        MissingPartError: There is no ffmpeg.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clip = folder / "clip.mp4"
        self.tiny = folder / "tiny.mp4"
        self.audio = folder / "audio.m4a"
        self.hls = folder / "hls" / "index.m3u8"
        self.dash = folder / "dash" / "manifest.mpd"
        for made in (self.hls, self.dash):
            made.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg = Ffmpeg(find_ffmpeg())
        ffmpeg.make(*_sources(_SECONDS, 160, 120), *_H264, *_AAC, *_FASTSTART, self.clip)
        ffmpeg.make(*_sources(1, 64, 48), *_H264, *_AAC, *_FASTSTART, self.tiny)
        ffmpeg.make("-i", self.clip, "-vn", "-c:a", "copy", *_FASTSTART, self.audio)
        self._make_hls(ffmpeg)
        self._make_dash(ffmpeg)

    def numbered(self, number: int) -> PaddedClip:
        """Return the clip with its number at the end, so that each has its own digest."""
        return PaddedClip(self.clip.read_bytes(), number)

    def padded(self, size_bytes: int, number: int) -> PaddedClip:
        """Return a playable MP4 of exactly this size, different for each number.

        Raises:
            ValueError: The size is below that of the tiny clip.
        """
        return PaddedClip(self.tiny.read_bytes(), number, size_bytes)

    def _make_hls(self, ffmpeg: "Ffmpeg") -> None:
        segments = self.hls.with_name("segment%d.ts")
        options = ("-hls_time", "1", "-hls_playlist_type", "vod", "-hls_segment_filename", segments)
        ffmpeg.make("-i", self.clip, "-c", "copy", "-f", "hls", *options, self.hls)

    def _make_dash(self, ffmpeg: "Ffmpeg") -> None:
        streams = ("-map", "0:v", "-map", "0:v", "-map", "1:a", "-s:v:1", "160x120")
        sets = ("-adaptation_sets", "id=0,streams=v id=1,streams=a", "-seg_duration", "2")
        source = _sources(_SECONDS, 320, 240)
        ffmpeg.make(*source, *streams, *_H264, *_AAC, "-f", "dash", *sets, self.dash)


class Ffmpeg:
    """The program, by its path."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def make(self, *arguments: str | Path) -> None:
        """Run it, over whatever is there; the last argument is what it makes."""
        subprocess.run(  # noqa: S603 - ffmpeg with arguments of our own
            [self._program, "-nostdin", "-v", "error", "-y", *arguments], check=True
        )


def find_ffmpeg() -> Path:
    """Return ffmpeg from PATH or else from the wheel imageio_ffmpeg.

    Raises:
        MissingPartError: Neither is there.
    """
    found = shutil.which("ffmpeg")
    if found is not None:
        return Path(found)
    try:
        wheel = cast("_ImageioFfmpeg", importlib.import_module("imageio_ffmpeg"))
        return Path(wheel.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as exc:
        part, remedy = "ffmpeg", "apt-get install ffmpeg, or pip install imageio-ffmpeg"
        raise MissingPartError(part, remedy) from exc


def about(file: Path) -> str:
    """Return what ffmpeg says of a file: its length and its streams."""
    told = subprocess.run(  # noqa: S603 - ffmpeg with arguments of our own
        [find_ffmpeg(), "-hide_banner", "-i", file], capture_output=True, text=True, check=False
    )
    return told.stderr


def kinds_of_streams(file: Path) -> list[str]:
    """Return ``Audio`` and ``Video`` as often as the file holds one, in the alphabet's order."""
    return sorted(re.findall(r"Stream #.*?: (Audio|Video):", about(file)))


def _sources(seconds: int, width: int, height: int) -> tuple[str, ...]:
    picture = f"testsrc=size={width}x{height}:rate=10:duration={seconds}"
    sound = f"sine=frequency=440:duration={seconds}"
    return ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
