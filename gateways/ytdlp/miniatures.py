"""Miniatures: small pictures of what is at an address, judged the same at both ends."""

import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

WIDTH, HEIGHT = 320, 180
"""What a miniature fits into, in pixels."""

MAX_BYTES = 24 * 1024
"""Of the JPEG; in base64 it fits into one line of a child, beside what names it."""

_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
_FRAME = 0xC0
# Tables and a comment. Another kind of frame, or a second one, is none of ours.
_BEFORE_FRAME = (0xC4, 0xDB, 0xE0, 0xFE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miniature:
    """A child's last word of a look, if there is a picture.

    Attributes:
        jpeg: In base64.
    """

    jpeg: str

    @classmethod
    def of(cls, jpeg: bytes) -> Self:
        """Return the miniature with these bytes."""
        return cls(jpeg=b64encode(jpeg).decode())


def clean_miniature(miniature: Miniature) -> Miniature | None:
    """Return the same if it is a small JPEG, or None.

    Of a picture that a child made only its size is known here: no decoder of ours ever meets it,
    and the one of a browser expects strangers.
    """
    try:
        jpeg = b64decode(miniature.jpeg, validate=True)
    except ValueError:
        return None
    if len(jpeg) > MAX_BYTES or not jpeg.startswith(_BEGIN) or not jpeg.endswith(_END):
        return None
    width, height = _dimensions(jpeg)
    return miniature if 0 < width <= WIDTH and 0 < height <= HEIGHT else None


def _dimensions(jpeg: bytes) -> tuple[int, int]:
    """Return width and height as its frame states them; zeros if it has no plain one.

    Source: ITU-T T.81, B.2.
    """
    place = len(_BEGIN)
    while place + 9 <= len(jpeg):
        prefix, marker, length = struct.unpack_from(">BBH", jpeg, place)
        if prefix == 0xFF and marker == _FRAME:  # noqa: PLR2004 - begins each marker
            height, width = struct.unpack_from(">HH", jpeg, place + 5)
            return width, height
        if prefix != 0xFF or marker not in _BEFORE_FRAME:  # noqa: PLR2004 - as above
            break
        place += 2 + length
    return 0, 0
