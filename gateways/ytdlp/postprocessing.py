"""Our own steps between yt-dlp's transfers and the finished file."""

from pathlib import Path
from typing import Any

from yt_dlp import postprocessor  # noqa: TID251 - subclasses its steps
from yt_dlp.postprocessor.common import PostProcessor  # noqa: TID251 - subclasses its steps

from domain.failures import UnsupportedSiteError
from domain.requests import Quality, Wish
from gateways.ytdlp.containers import audio_form, check_holds, is_form
from gateways.ytdlp.merging import plan_merge
from gateways.ytdlp.options import STEM
from gateways.ytdlp.recording import Recording
from gateways.ytdlp.tally import Tally
from gateways.ytdlp.tracks import Tracks, tracks_of

_postprocessors: Any = postprocessor


class Planner(PostProcessor):
    """Learns from yt-dlp which formats were chosen, and prepares what becomes of them."""

    def __init__(self, tally: Tally, wrapper: "Wrapper", recording: Recording | None) -> None:
        super().__init__()
        self._tally = tally
        self._wrapper = wrapper
        self._recording = recording

    def run(self, information: Any) -> tuple[list[str], Any]:  # noqa: ANN401 - only in the stubs
        """Give the tally the chosen formats, and the file that comes of them to the wrapper."""
        parts: list[Any] = information.get("requested_formats") or []
        if parts:
            # The ids become parts of file names, and are texts of the site.
            parts = [part | {"format_id": str(number)} for number, part in enumerate(parts)]
            information["requested_formats"] = parts
        self._tally.plan(parts or [information])
        if self._recording is not None:
            self._recording.is_of_several = len(parts) > 1
        if parts or self._wrapper.is_needed:
            # Before all that yt-dlp does by itself, which it adds later: merging and repairs.
            information.setdefault("__postprocessors", []).append(self._wrapper)
        return [], information


class Wrapper(PostProcessor):
    """Decides by the tracks that came in which container they go, and takes sound out."""

    def __init__(self, wish: Wish, ytdlp: Any) -> None:  # noqa: ANN401 - only in the stubs
        super().__init__(ytdlp)
        self._wish = wish
        self._ffmpeg: Any = _postprocessors.FFmpegPostProcessor(ytdlp)

    @property
    def is_needed(self) -> bool:
        """Whether one format alone is not handed over as it comes."""
        return self._wish.container is not None or self._wish.quality is Quality.AUDIO

    def run(self, information: Any) -> tuple[list[str], Any]:  # noqa: ANN401 - only in the stubs
        """Note where the merged formats go, or extract the sound; return what is done with."""
        if "__files_to_merge" in information:
            return plan_merge(information, self._wish), information
        tracks = tracks_of(information["filepath"])
        if self._wish.quality is not Quality.AUDIO:
            check_holds(self._wish.container, [tracks])
            return [], information
        self._extract(information, tracks)
        return [], information

    def _extract(self, information: Any, tracks: Tracks) -> None:  # noqa: ANN401 - only in the stubs
        """Replace a file by one with its sound alone, in the form that is wished."""
        if not tracks.sounds:
            raise UnsupportedSiteError
        form = audio_form(tracks.sounds[0], self._wish)
        if is_form(form, tracks, information["ext"]):
            return
        source = Path(information["filepath"])
        made = source.with_name(f"{STEM}.temp.{form.extension}")
        only = ("-map", f"0:{tracks.sounds[0].index}", "-vn", "-sn", "-dn")
        self._ffmpeg.run_ffmpeg(str(source), str(made), [*only, *form.arguments])
        source.unlink()
        final = made.replace(source.with_suffix(f".{form.extension}"))
        information |= {"filepath": str(final), "ext": form.extension}
