"""A look as the runner sees it: what is ordered, and what a hostile child may say in answer."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

from domain.download import ProxyLease
from domain.failures import TimedOutError, UnexpectedError
from domain.findings import MAX_FORMATS, Entry, Findings, Format
from gateways.ytdlp.findings import Found
from gateways.ytdlp.job import Job
from gateways.ytdlp.miniatures import Miniature
from gateways.ytdlp.options import FetchLimits, Tools
from gateways.ytdlp.protocol import Failed, Look, Report

LOOK_BYTES = 32 * 1024 * 1024
"""What a look may move through the gate; the pages and scripts of the largest sites are a tenth."""

MINIATURE_PATIENCE_S = 3.0
"""How long a look goes on for its picture alone, with all else told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOrder:
    """One address to look at.

    Attributes:
        url: Checked by ``check_url``.
        lease: The proxy that everything goes through. A secret.
        time_limit: From the order to the last word.
        max_entries: Of a playlist; what is beyond is left out.
        cookies: Of this site, in Netscape's format; empty for none. A secret.
    """

    url: str
    lease: ProxyLease
    time_limit: timedelta
    max_entries: int
    cookies: str = field(default="", repr=False)

    def message(self, token: str, limits: FetchLimits, tools: Tools) -> Look:
        """Return what the server is told of it; its job's number is the link's to give."""
        own = replace(limits, max_bytes=LOOK_BYTES, time_limit=self.time_limit)
        return Look(
            job=0,
            url=self.url,
            token=token,
            cookies=self.cookies,
            limits=own,
            tools=tools,
            max_entries=self.max_entries,
        )


async def hear_out(job: Job, order: LookOrder) -> Findings | Failed | None:
    """Return what the child found, with the picture if it comes in time; None if it said nothing.

    The job is over, unless it still is about the picture.

    Raises:
        TimedOutError: The time is over; the job still runs.
        UnexpectedError: It says more than any look could; the job still runs.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + order.time_limit.total_seconds()
    heard = _Heard(order.max_entries)
    while not job.is_over and clock() < deadline:
        await job.stir(deadline - clock())
        for report in job.taken():
            heard.add(report)
            if isinstance(report, Found):
                deadline = min(deadline, clock() + MINIATURE_PATIENCE_S)
    found = heard.last_word()
    if found is None and not job.is_over:
        raise TimedOutError
    return found


class _Heard:
    """What a child has said so far."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._formats: list[Format] = []
        self._entries: list[Entry] = []
        self._last: Found | Failed | None = None
        self._miniature: str | None = None

    def add(self, report: Report) -> None:
        match report:
            case Format():
                self._formats.append(report)
            case Entry():
                self._entries.append(report)
            case Found() | Failed():
                # What fails after the whole was told is the picture.
                self._last = self._last or report
            case Miniature():
                self._miniature = report.jpeg
            case _:
                raise UnexpectedError
        if len(self._formats) > MAX_FORMATS or len(self._entries) > self._max_entries:
            raise UnexpectedError

    def last_word(self) -> Findings | Failed | None:
        found = self._last
        if not isinstance(found, Found):
            return found
        return Findings(
            title=found.title,
            extractor=found.extractor,
            duration_s=found.duration_s,
            thumbnail=found.thumbnail,
            uploader=found.uploader,
            webpage_url=found.webpage_url,
            live=found.live,
            formats=() if found.is_list else tuple(self._formats),
            entries=tuple(self._entries) if found.is_list else None,
            is_cut=found.is_cut,
            miniature=self._miniature,
        )
