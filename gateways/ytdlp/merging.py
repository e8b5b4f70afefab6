"""What of the fetched formats goes into one file, by the tracks that are really in them."""

from pathlib import PurePath
from typing import Any

from domain.failures import CorruptError
from domain.requests import Wish
from gateways.ytdlp.containers import check_holds, merged_extension
from gateways.ytdlp.tracks import Tracks, tracks_of

_NONE = "none"


def plan_merge(information: dict[str, Any], wish: Wish) -> list[str]:
    """Set what yt-dlp's merger does next, and return the files that it does not need.

    Sites say too little of their formats, or what is wrong: the merger believes what is said here.

    Args:
        information: yt-dlp's own, with ``requested_formats`` and ``__files_to_merge`` beside them.

    Raises:
        CorruptError: A format lacks what it was chosen for.
        UnsupportedSiteError: The wished container cannot hold them.

    Source: yt_dlp/postprocessor/ffmpeg.py, ``FFmpegMergerPP``.
    """
    parts: list[dict[str, Any]] = information["requested_formats"]
    found = [tracks_of(part["filepath"]) for part in parts]
    for part, tracks in zip(parts, found, strict=True):
        _mark(part, tracks)
    if parts[0]["vcodec"] != _NONE != parts[0]["acodec"]:
        # The picture has sound of its own: the other came in case it had not.
        found = found[:1]
    used, spare = parts[: len(found)], parts[len(found) :]
    information["requested_formats"] = used
    information["__files_to_merge"] = [part["filepath"] for part in used]
    merged = [_merged(part, tracks) for part, tracks in zip(used, found, strict=True)]
    container = wish.container
    check_holds(container, merged)
    extension = container.value if container else _extension(merged)
    information["ext"] = extension
    information["filepath"] = str(PurePath(information["filepath"]).with_suffix(f".{extension}"))
    return [part["filepath"] for part in spare]


def _mark(part: dict[str, Any], tracks: Tracks) -> None:
    """Take from a format what its file has not.

    Raises:
        CorruptError: It is what the format was chosen for.
    """
    is_sound = part.get("vcodec") == _NONE
    if not (tracks.sounds if is_sound else tracks.pictures):
        raise CorruptError
    part["vcodec"] = _NONE if is_sound else tracks.pictures[0]
    has_sound = tracks.sounds and part.get("acodec") != _NONE
    part["acodec"] = tracks.sounds[0].codec if has_sound else _NONE


def _merged(part: dict[str, Any], tracks: Tracks) -> Tracks:
    """Return those tracks of a file that the merger takes: the first of each kind."""
    return Tracks(
        kind=tracks.kind,
        pictures=tracks.pictures[:1] if part["vcodec"] != _NONE else (),
        sounds=tracks.sounds[:1] if part["acodec"] != _NONE else (),
    )


def _extension(merged: list[Tracks]) -> str:
    pictures = [codec for one in merged for codec in one.pictures]
    return merged_extension(pictures, [sound.codec for one in merged for sound in one.sounds])
