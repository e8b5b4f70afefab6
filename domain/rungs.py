"""Rungs: the names by which people know the sizes of pictures, such as 1080 for 1080p."""

STANDARD = (144, 240, 360, 480, 720, 1080, 1440, 2160, 4320)
"""The rungs that everybody knows; the picture of each is 16:9."""

# Encoders round to blocks: 1920x1088 is 1080p, and 852x480 as wide as 480p is.
_TOLERANCE = 1.025


def rung_of(width: int | None, height: int | None) -> int | None:
    """Return the rung of a picture, or None if its size is not known.

    It is the shorter side, however the picture is turned. A picture that is longer than 16:9 was
    cut from a taller one, and counts as that: 1920x800 is 1080p, 1080x2400 too. A size that is no
    standard rung, nor close to one, is named by its own lines: 1024x576 is 576p.

    Args:
        width: Pixels; None or 0 if unknown, as often where a site states "720p" alone.
        height: The same.

    Source: docs/decisions/0028-selection.md.
    """
    sides = sorted(side for side in (width, height) if side)
    if not sides:
        return None
    if len(sides) == 1:
        # Sites that state one side mean a picture that lies.
        return _named(sides[0] if height else sides[0] * 9 // 16)
    shorter, longer = sides
    frames = (one for one in STANDARD if one * 16 <= longer * 9 * _TOLERANCE)
    return _named(max(shorter, max(frames, default=0)))


def _named(lines: int) -> int:
    """Return the standard rung that is close to a number of lines, or the number itself."""
    close = (one for one in STANDARD if one <= lines * _TOLERANCE and lines <= one * _TOLERANCE)
    return next(close, lines)
