"""The kinds of media that are taken, and what a file of each is called."""

from dataclasses import dataclass

DEMUXERS = (
    *("mov", "matroska", "mpegts", "mpeg", "mpegvideo", "avi", "flv", "asf", "mxf", "ogg"),
    *("mp3", "aac", "ac3", "eac3", "flac", "wav", "w64", "aiff", "caf", "au", "amr"),
    *("dts", "tta", "wv", "ape"),
)
"""libav's formats for media, all of which hold what they play.

None of them names another file: a playlist served as a video would make libav open what it lists.
Source: reliability M6, M7; CVE-2026-107697.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What libav finds in a file.

    Attributes:
        demuxer: libav's names for the format, separated by commas.
        brand: The major brand of an MP4, or the document type of a Matroska; may be empty.
        video: The codec of the first picture that moves, or None.
        audio: The codec of the first sound, or None.
    """

    demuxer: str
    brand: str = ""
    video: str | None = None
    audio: str | None = None


@dataclass(frozen=True, slots=True)
class _Names:
    """The extensions of one kind: the usual ones with and without a picture, and others."""

    video: str
    audio: str
    also: frozenset[str] = frozenset()


def _one(name: str, *also: str) -> _Names:
    return _Names(name, name, frozenset(also))


_MP4 = _Names("mp4", "m4a", frozenset({"m4v", "m4b", "f4v"}))
_BRANDS = {
    "qt": _one("mov"),
    "3gp": _one("3gp"),
    "3g2": _one("3g2"),
    "f4v": _one("f4v", "mp4"),
    "m4b": _one("m4b", "m4a"),
    "m4a": _Names("mp4", "m4a", frozenset({"m4b"})),
    "m4v": _one("m4v", "mp4"),
}
_DOCUMENTS = {
    "webm": _Names("webm", "weba", frozenset({"webm"})),
    "matroska": _Names("mkv", "mka", frozenset({"mkv", "mk3d"})),
}
_OGG = {
    "opus": _one("opus", "ogg", "oga"),
    "speex": _one("spx", "ogg", "oga"),
    "vorbis": _one("ogg", "oga"),
    "flac": _one("oga", "ogg"),
}
_OGV = _one("ogv", "ogg", "ogm")
_MPEG_AUDIO = {"mp2": _one("mp2", "mpa"), "mp1": _one("mp1", "mpa")}
_PLAIN = {
    "mpegts": _one("ts", "m2ts", "mts", "m2t"),
    "mpeg": _one("mpg", "mpeg", "vob"),
    "mpegvideo": _one("mpg", "mpeg", "m2v"),
    "avi": _one("avi"),
    "flv": _one("flv"),
    "asf": _Names("wmv", "wma", frozenset({"asf"})),
    "mxf": _one("mxf"),
    "mp3": _one("mp3"),
    "aac": _one("aac"),
    "ac3": _one("ac3"),
    "eac3": _one("eac3", "ec3"),
    "flac": _one("flac"),
    "wav": _one("wav"),
    "w64": _one("w64"),
    "aiff": _one("aiff", "aif"),
    "caf": _one("caf"),
    "au": _one("au"),
    "amr": _one("amr"),
    "dts": _one("dts"),
    "tta": _one("tta"),
    "wv": _one("wv"),
    "ape": _one("ape"),
}
_SOUND_ONLY = {"m4a", "m4b", "oga"}
_PICTURES = ("avif", "avis", "heic", "heix", "mif1", "msf1")
_ALL = (
    *(_MP4, _OGV, *_BRANDS.values(), *_DOCUMENTS.values(), *_OGG.values()),
    *(*_MPEG_AUDIO.values(), *_PLAIN.values()),
)

EXTENSIONS: frozenset[str] = frozenset(
    extension for one in _ALL for extension in (one.video, one.audio, *one.also)
)
"""The extensions, without a dot, that a finished file may have."""


def extension_of(contents: Contents, given: str) -> str | None:
    """Return what a file is called by what is in it; None if it is no kind that is taken.

    Args:
        given: The extension that it came under, which stays if it is one of its kind's.
    """
    names = _names(contents)
    if names is None:
        return None
    given = given.lower()
    if contents.video is None:
        # An MP4 without a picture is a good .mp4 too.
        return given if given in (names.video, *names.also) else names.audio
    return given if given in names.also - _SOUND_ONLY else names.video


def _names(contents: Contents) -> _Names | None:
    demuxer = contents.demuxer.partition(",")[0]
    match demuxer:
        case "mov":
            brand = contents.brand.lower()
            return None if brand in _PICTURES else _BRANDS.get(brand[:3].strip(), _MP4)
        case "matroska":
            return _DOCUMENTS.get(contents.brand, _DOCUMENTS["matroska"])
        case "ogg":
            return _OGV if contents.video else _OGG.get(contents.audio or "", _OGG["vorbis"])
        case "mp3":
            return _MPEG_AUDIO.get(contents.audio or "", _PLAIN["mp3"])
        case _:
            return _PLAIN.get(demuxer)
