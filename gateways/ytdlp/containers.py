"""Which container suits the tracks that came, and how sound alone gets into one.

Source: docs/decisions/0028-selection.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.failures import UnsupportedSiteError
from domain.requests import Container, Wish
from gateways.ytdlp.tracks import Sound, Tracks

_MP4_PICTURES = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video"})
_MP4_SOUNDS = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
_WEBM_PICTURES = frozenset({"vp8", "vp9", "av1"})
_WEBM_SOUNDS = frozenset({"opus", "vorbis"})

_NATURAL = {
    "aac": Container.M4A,
    "alac": Container.M4A,
    "mp3": Container.MP3,
    "opus": Container.OPUS,
    "flac": Container.FLAC,
}
"""The container in which each codec is known to players."""

_ENCODERS = {Container.MP3: "libmp3lame", Container.M4A: "aac", Container.OPUS: "libopus"}
_USUAL_KBPS = {Container.MP3: 192, Container.M4A: 192, Container.OPUS: 128}
_OPUS_CHANNEL_KBPS = 256
"""The most that the encoder takes for a channel."""

_LAYOUTS = {
    # ffmpeg passes on layouts that these encoders refuse.
    Container.MP3: ("-ac", "2"),
    Container.OPUS: ("-af", "aformat=channel_layouts=7.1|5.1|stereo|mono"),
}
_STEREO = 2
_CD_BITS = 16

_KINDS = {"mp3": "mp3", "m4a": "mov", "opus": "ogg", "ogg": "ogg", "flac": "flac", "wav": "wav"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioForm:
    """How sound is put into a file of its own.

    Attributes:
        arguments: For ffmpeg: to copy it, or to encode it anew.
    """

    extension: str
    arguments: tuple[str, ...]

    @property
    def is_copy(self) -> bool:
        """Whether the sound stays as it is."""
        return self.arguments == _COPY


_COPY = ("-c:a", "copy")


def merged_extension(pictures: Iterable[str], sounds: Iterable[str]) -> str:
    """Return the extension for a picture and its sound: the container that most players play.

    It is MP4 wherever that can hold both, but WebM for what was made for it.
    """
    seen, heard = set(pictures), set(sounds)
    if not seen:
        return "m4a" if heard <= {"aac", "alac"} else "mka"
    if seen <= _WEBM_PICTURES and heard and heard <= _WEBM_SOUNDS:
        return "webm"
    if seen <= _MP4_PICTURES and heard <= _MP4_SOUNDS:
        return "mp4"
    return "webm" if seen <= _WEBM_PICTURES and not heard else "mkv"


def check_holds(container: Container | None, tracks: Iterable[Tracks]) -> None:
    """Do nothing if a wished container can hold what came.

    Raises:
        UnsupportedSiteError: It cannot, and only another wish could change that.
    """
    pictures = {codec for one in tracks for codec in one.pictures}
    sounds = {sound.codec for one in tracks for sound in one.sounds}
    holds = True
    if container is Container.MP4:
        holds = pictures <= _MP4_PICTURES and sounds <= _MP4_SOUNDS | {"vorbis"}
    elif container is Container.WEBM:
        holds = pictures <= _WEBM_PICTURES and sounds <= _WEBM_SOUNDS
    if not holds:
        raise UnsupportedSiteError


def audio_form(sound: Sound, wish: Wish) -> AudioForm:
    """Return the form in which sound is handed over: as it is if that is what is wished.

    A wished bitrate is an upper bound: sound with less is not re-encoded to more.
    """
    container = wish.container if wish.container and wish.container.is_audio else None
    natural = _natural(sound.codec)
    wished_kbps = wish.audio_bitrate_kbps
    is_small = wished_kbps is None or (sound.kbps is not None and sound.kbps <= wished_kbps)
    if container is None or (container == natural and is_small):
        return AudioForm(extension=natural, arguments=_COPY)
    return AudioForm(extension=container, arguments=_encoded(sound, container, wished_kbps))


def is_form(form: AudioForm, tracks: Tracks, extension: str) -> bool:
    """Whether a file already is in a form, and would be copied for nothing."""
    is_alone = not tracks.pictures and len(tracks.sounds) == 1
    is_named = extension == form.extension and _KINDS.get(extension, "matroska") in tracks.kind
    return form.is_copy and is_alone and is_named


def _natural(codec: str) -> str:
    if codec.startswith("pcm_s") and codec.endswith("le"):
        return Container.WAV
    return _NATURAL.get(codec, "ogg" if codec == "vorbis" else "mka")


def _encoded(sound: Sound, container: Container, wished_kbps: int | None) -> tuple[str, ...]:
    if container is Container.WAV:
        return ("-c:a", "pcm_s24le" if sound.bits > _CD_BITS else "pcm_s16le")
    if container is Container.FLAC:
        # What was lost before needs no 24 bits.
        return ("-c:a", "flac", *(() if sound.bits else ("-sample_fmt", "s16")))
    kbps = wished_kbps or _USUAL_KBPS[container]
    if container is Container.OPUS:
        kbps = min(kbps, _OPUS_CHANNEL_KBPS * sound.channels)
    layout = _LAYOUTS.get(container, ()) if sound.channels > _STEREO else ()
    return ("-c:a", _ENCODERS[container], "-b:a", f"{kbps}k", *layout)
