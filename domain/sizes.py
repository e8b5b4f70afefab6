"""How large a file will be, judged by what a site said of its formats."""

from collections.abc import Iterable

from domain.findings import Findings, Format
from domain.requests import Container, Quality, Wish
from domain.selection import choose, within

_UNCOMPRESSED_KBPS = 1_536
"""Of a FLAC or WAV that is made: two channels of 16 bits, 48,000 times a second."""


def expected_bytes(findings: Findings, wish: Wish) -> int | None:
    """Return about how large the file of a wish will be, rather more; None if it cannot be said.

    A picture alone gets its sound, as it will when it is fetched.
    """
    choice = choose(findings.formats, wish)
    if choice is None:
        return None
    seconds = findings.duration_s
    if choice.picture is None:
        sizes = [_largest(choice.sounds, seconds), _converted(wish, seconds)]
        return max((size for size in sizes if size is not None), default=None)
    size = _largest(_alike(choice.picture, findings, wish), seconds)
    if size is None or choice.picture.has_sound:
        return size
    sounds = (one for one in findings.formats if not one.has_picture)
    return size + (_largest(sounds, seconds) or 0)


def _alike(picture: Format, findings: Findings, wish: Wish) -> list[Format]:
    """Return the formats of the same rung, one of which is taken: which one may yet change."""
    if wish.format_id is not None:
        return [picture]
    pictures = (one for one in findings.formats if one.has_picture)
    return [one for one in within(pictures, wish.quality.max_rung) if one.rung == picture.rung]


def _largest(formats: Iterable[Format], seconds: float | None) -> int | None:
    return max((size for one in formats if (size := _size(one, seconds))), default=None)


def _size(one: Format, seconds: float | None) -> int | None:
    if one.filesize is not None:
        return one.filesize
    return None if one.tbr is None or seconds is None else int(one.tbr * 125 * seconds)


def _converted(wish: Wish, seconds: float | None) -> int | None:
    """Return the size of sound that is converted without loss, which grows by it."""
    if wish.quality is not Quality.AUDIO or seconds is None:
        return None
    grows = wish.container in (Container.FLAC, Container.WAV)
    return int(_UNCOMPRESSED_KBPS * 125 * seconds) if grows else None
