"""One order in the hands of a fork server, as the runner sees it."""

import asyncio
import os
from dataclasses import dataclass, field

from gateways.ytdlp.protocol import MAX_LINE_BYTES, Lines, Report


@dataclass(slots=True, kw_only=True)
class Job:
    """One order that was given to the server.

    Attributes:
        pipe: The reading end; the child holds the other, and nothing that it starts does.
        reports: What the child said and nobody has read yet.
        stirred: Set when a report came or the job ended.
        ended: The child's exit code, once nothing of it is left; None if the server died.
    """

    number: int
    pipe: int
    ended: asyncio.Future[int | None]
    lines: Lines = field(default_factory=Lines)
    reports: list[Report] = field(default_factory=list[Report])
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    is_drained: bool = False

    def read(self) -> None:
        """Take what the pipe holds now."""
        try:
            chunk = os.read(self.pipe, MAX_LINE_BYTES)
        except BlockingIOError:
            return
        if chunk:
            self.reports += self.lines.feed(chunk)
        else:
            self.is_drained = True
            asyncio.get_running_loop().remove_reader(self.pipe)
        self.stirred.set()

    def settle(self, code: int | None) -> None:
        """Note the end, once."""
        if not self.ended.done():
            self.ended.set_result(code)
            self.stirred.set()
