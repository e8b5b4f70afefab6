"""How a video is wrapped: the container that was wished, and the subtitles that go into it."""

from typing import Any

from domain.requests import Container, Quality, Wish

# As it comes, but in a container that subtitles can be put into.
_ANY = "mp4>mp4/m4a>m4a/mkv"

SUBTITLE_FORMATS = ("vtt", "srt")
"""What is taken in; ffmpeg may open nothing else, see ``options.FFMPEG_INPUT``."""


def wrapping(wish: Wish) -> dict[str, Any]:
    """Return the yt-dlp parameters for the container and the subtitles of a wish.

    Sound alone is for containers.py. A language that the site does not have is left out, with a
    warning.

    Source: yt_dlp/YoutubeDL.py, the class docstring; yt_dlp/postprocessor/ffmpeg.py.
    """
    container = wish.container
    # For the name of what is merged, until merging.py knows better.
    options: dict[str, Any] = {"merge_output_format": "mkv"}
    if wish.quality is Quality.AUDIO or not (container or wish.subtitles):
        return options
    steps = [{"key": "FFmpegVideoRemuxer", "preferedformat": container or _ANY}]
    if container is Container.MP4:
        # Of two that are alike, the one that belongs into it; but first the site's own language.
        options["format_sort"] = ["lang", "quality", "res", "fps", "ext:mp4:m4a"]
    if wish.subtitles:
        options |= {
            "writesubtitles": True,
            # Chosen in subtitles.py: yt-dlp would take them for patterns.
            "subtitleslangs": list(wish.subtitles),
            "subtitlesformat": "/".join(subtitle_formats(container)),
        }
        steps.append({"key": "FFmpegEmbedSubtitle"})
    return options | {"postprocessors": steps}


def subtitle_formats(container: Container | None) -> tuple[str, ...]:
    """Return the formats of subtitles that can be put into a container, the best first."""
    return ("vtt",) if container is Container.WEBM else SUBTITLE_FORMATS
