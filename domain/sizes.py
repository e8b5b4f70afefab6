"""How large a file will be, judged by what a site said of its formats."""

from collections.abc import Iterable

from domain.findings import Findings, Format
from domain.requests import Quality, Wish

_NONE = "none"


def expected_bytes(findings: Findings, wish: Wish) -> int | None:
    """Return about how large the file of a wish will be, rather more; None if it cannot be said.

    A picture alone gets its sound, as it will when it is fetched.
    """
    if wish.format_id is not None:
        chosen = [one for one in findings.formats if one.format_id == wish.format_id]
    elif wish.quality is Quality.AUDIO:
        chosen = [one for one in findings.formats if one.vcodec == _NONE]
    else:
        chosen = _best(findings.formats, wish.quality.max_height)
    seconds = findings.duration_s
    size = _largest(chosen, seconds)
    if size is None or not any(one.acodec == _NONE for one in chosen):
        return size
    return size + (_largest((one for one in findings.formats if one.vcodec == _NONE), seconds) or 0)


def _best(formats: Iterable[Format], max_height: int | None) -> list[Format]:
    """Return the formats of the greatest height that is wished for."""
    pictures = [one for one in formats if one.vcodec != _NONE]
    within = [one for one in pictures if max_height is None or (one.height or 0) <= max_height]
    top = max((one.height or 0 for one in within), default=0)
    return [one for one in within if (one.height or 0) == top]


def _largest(formats: Iterable[Format], seconds: float | None) -> int | None:
    return max((size for one in formats if (size := _size(one, seconds))), default=None)


def _size(one: Format, seconds: float | None) -> int | None:
    if one.filesize is not None:
        return one.filesize
    return None if one.tbr is None or seconds is None else int(one.tbr * 125 * seconds)
