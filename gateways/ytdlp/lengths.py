"""Whether a file is whole: what came and what is in it decide; what a site states is a hint."""

from domain.failures import CorruptError
from domain.warnings import DownloadWarning, WarningCode
from gateways.ytdlp.protocol import Done, Inspected

_STATED_SHARE = 0.95
_PLANNED_SHARE = 0.9
_SITES_SHARE = 0.9
_TOLERANCE_S = 1.0
# A playlist may round the length of each fragment; what is there twice is twice as long.
_MOST_SHARE = 1.5
_MOST_S = 2.0

_TRUNCATED = "The file ends before the end that its container states: it was cut off."
_TOO_SHORT = "The file is much shorter than stated, and nothing proves that all of it came."
_TOO_LONG = "The file is much longer than its playlist says: the site sent parts of it repeatedly."


def check_length(inspected: Inspected, done: Done) -> tuple[DownloadWarning, ...]:
    """Return what is in doubt of a file that is as long as what came.

    A file is whole if all that was announced came, or if it came as it is and its container proves
    its end. Then another length that somebody states is a warning; else less than that is cut
    short.

    Raises:
        CorruptError: It is cut short, or repeats a part of itself.
    """
    if inspected.is_closed is False:
        raise CorruptError(_TRUNCATED)
    transfer = done.transfer
    planned_s = transfer.planned_s
    if planned_s is not None and inspected.played_s > _MOST_SHARE * planned_s + _MOST_S:
        raise CorruptError(_TOO_LONG)
    is_whole = transfer.is_complete or (transfer.is_as_sent and bool(inspected.is_closed))
    statements = (
        (inspected.stated_s, _STATED_SHARE),
        (planned_s, _PLANNED_SHARE),
        (done.duration_s, _SITES_SHARE),
    )
    doubtful = [
        stated_s
        for stated_s, share in statements
        if stated_s is not None and inspected.found_s < share * stated_s - _TOLERANCE_S
    ]
    if doubtful and not is_whole:
        raise CorruptError(_TOO_SHORT)
    if not doubtful:
        return ()
    subject = f"{max(doubtful):.0f} s, the file has {inspected.found_s:.0f} s"
    return (DownloadWarning(code=WarningCode.DURATION_MISMATCH, subject=subject),)
