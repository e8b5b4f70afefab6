"""What runner, server and child say to each other: one JSON object in a line or packet."""

import math
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from domain.download import Progress
from domain.entries import MAX_ENTRY_INDEX
from domain.findings import Entry, Format
from domain.warnings import MAX_SUBJECT_LENGTH, MAX_WARNINGS, DownloadWarning
from gateways.ytdlp.findings import Found, clean_entry, clean_format, clean_found
from gateways.ytdlp.miniatures import Miniature, clean_miniature
from gateways.ytdlp.options import ChildOrder, FetchLimits, Tools
from gateways.ytdlp.sandbox import Level
from gateways.ytdlp.texts import clean_remark, clean_text, plain_url

MAX_LINE_BYTES = 64 * 1024
"""A longer line is dropped unread: a child may be made to print without end."""

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """All bytes are here; ffmpeg joins or repairs them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How the bytes of a fetch came.

    Attributes:
        is_complete: Every answer stated where it ends and came up to there, and so did the list of
            fragments.
        is_as_sent: The file is one body as it was sent; nothing joined or rewrote it.
        planned_s: How long the fragments last together, by the playlist that lists them; None for
            none, and if it does not say.
    """

    is_complete: bool = False
    is_as_sent: bool = False
    planned_s: _Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What the site said about the fetched media; the file is judged by its own.

    Attributes:
        warnings: What could not be had beside the video.
    """

    title: str
    extractor: str
    webpage_url: str | None
    thumbnail: str | None
    duration_s: _Seconds | None
    warnings: tuple[DownloadWarning, ...] = ()
    transfer: Transfer = Transfer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What was found in a file.

    Attributes:
        extension: By what is in it; None if it is no media that is known.
        stated_s: The length that its container states, or None.
        found_s: The length of what is really in it.
        played_s: What its packets last; more than ``found_s`` never, less if it has gaps.
        is_closed: Whether its end is there, by the sizes that its container states; None if it
            states none. If it is not, nothing else is known.
    """

    extension: str | None
    stated_s: _Seconds | None = None
    found_s: _Seconds = 0.0
    played_s: _Seconds = 0.0
    is_closed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Why the child gave up.

    Attributes:
        leaf: The name of a class in domain/failures.py.
        chain: The names of the exceptions that led there; never their text.
        detail: What yt-dlp said, for administrators alone.
        entries: Of the list that it is instead of a video, as far as they were counted.
    """

    leaf: str
    chain: str
    detail: str = ""
    retry_after: timedelta | None = None
    entries: Annotated[int, Field(ge=0, le=MAX_ENTRY_INDEX)] | None = None
    is_truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Runner to server, with the child's end of the channel beside it: fetch this."""

    job: int
    order: ChildOrder
    limits: FetchLimits
    tools: Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Runner to server, as ``Start``: tell what is at an address, and fetch nothing.

    Attributes:
        token: For the gate. A secret, like the cookies.
    """

    job: int
    url: str
    token: str = field(repr=False)
    cookies: str = field(repr=False)
    limits: FetchLimits
    tools: Tools
    max_entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Runner to server, as ``Start``: look into a fetched file, in a child without any net.

    Attributes:
        name: Of the file in the folder ``staging``.
    """

    job: int
    staging: Path
    name: str
    limits: FetchLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Runner to server: ask the job's processes to end, and kill them after the grace."""

    job: int
    grace: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Server to runner: warmed up, with walls of this level."""

    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """Server to runner: nothing of the job is left.

    Attributes:
        code: The child's exit code, or the negative number of the signal that ended it.
    """

    job: int
    code: int


Report = Progress | Merging | Done | Inspected | Failed | Format | Entry | Found | Miniature
Control = Start | Look | Inspect | End | Ready | Exited


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReportLine:
    """Exactly one is set; its key in the JSON object says which kind of message it is."""

    progress: Progress | None = None
    merging: Merging | None = None
    done: Done | None = None
    inspected: Inspected | None = None
    failed: Failed | None = None
    format: Format | None = None
    entry: Entry | None = None
    found: Found | None = None
    miniature: Miniature | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ControlPacket:
    start: Start | None = None
    look: Look | None = None
    inspect: Inspect | None = None
    end: End | None = None
    ready: Ready | None = None
    exited: Exited | None = None


_report_lines = TypeAdapter(_ReportLine)
_control_packets = TypeAdapter(_ControlPacket)


def encode_report(report: Report) -> bytes:
    """Return the line, with its end, for a report."""
    return _report_lines.dump_json(_ReportLine(**_named(_judged(report)))) + b"\n"


def decode_report(line: bytes) -> Report | None:
    """Return what a child's line says, or None if it is not a sound report."""
    try:
        parsed = _report_lines.validate_json(line, strict=True)
    except ValidationError:
        return None
    said: list[Report] = [one for one in _values(parsed) if one is not None]
    return _judged(said[0]) if len(said) == 1 else None


def encode_control(message: Control) -> bytes:
    """Return the packet for a control message."""
    return _control_packets.dump_json(_ControlPacket(**_named(message)))


def decode_control(packet: bytes) -> Control:
    """Return what a packet of the control channel says.

    Raises:
        ValueError: It says nothing; only our own two ends write to this channel.
    """
    parsed = _control_packets.validate_json(packet, strict=True)
    for message in _values(parsed):
        if message is not None:
            return message
    error = "an empty control packet"
    raise ValueError(error)


def _named(message: Report | Control | None) -> dict[str, Any]:
    """Return a message under the key that says its kind: its class, in lower case."""
    return {} if message is None else {type(message).__name__.lower(): message}


def _values(parsed: _ReportLine | _ControlPacket) -> list[Any]:
    return [getattr(parsed, one.name) for one in fields(parsed)]


def _judged(report: Report) -> Report | None:
    """Return what a child says as it may be believed, or None."""
    judged: Report | None = report
    match report:
        case Progress():
            judged = report if _is_sound(report) else None
        case Done():
            judged = _cleaned(report)
        case Failed():
            judged = replace(report, detail=clean_remark(report.detail))
        case Format():
            judged = clean_format(report)
        case Entry():
            judged = clean_entry(report)
        case Found():
            judged = clean_found(report)
        case Miniature():
            judged = clean_miniature(report)
        case _:
            pass
    return judged


def _cleaned(done: Done) -> Done:
    return replace(
        done,
        title=clean_text(done.title),
        extractor=clean_text(done.extractor),
        webpage_url=plain_url(done.webpage_url),
        thumbnail=plain_url(done.thumbnail),
        warnings=tuple(map(_clean_warning, done.warnings[:MAX_WARNINGS])),
    )


def _clean_warning(warning: DownloadWarning) -> DownloadWarning:
    return replace(warning, subject=clean_text(warning.subject)[:MAX_SUBJECT_LENGTH])


def _is_sound(progress: Progress) -> bool:
    numbers = (progress.total_bytes, progress.percent, progress.speed_bps, progress.eta_s)
    if progress.downloaded_bytes < 0 or any(
        number is not None and (not math.isfinite(number) or number < 0) for number in numbers
    ):
        return False
    return progress.percent is None or progress.percent <= 100  # noqa: PLR2004 - a percentage
