"""One order in the hands of a fork server, as the runner sees it."""

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass, field

from gateways.ytdlp.lines import Lines
from gateways.ytdlp.protocol import MAX_LINE_BYTES, Report


@dataclass(slots=True, kw_only=True)
class Job:
    """One order that was given to the server.

    Attributes:
        channel: Our end; the child holds the other, and nothing that it starts does.
        door: The socket at which the child expects its gate, as soon as it has sent it.
        reports: What the child said and nobody has read yet.
        stirred: Set when a report came or the job ended.
        ended: The child's exit code, once nothing of it is left; None if the server died.
    """

    number: int
    channel: socket.socket
    door: asyncio.Future[socket.socket]
    ended: asyncio.Future[int | None]
    lines: Lines = field(default_factory=Lines)
    reports: list[Report] = field(default_factory=list[Report])
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    is_drained: bool = False

    def read(self) -> None:
        """Take what the channel holds now."""
        try:
            chunk, descriptors, _, _ = socket.recv_fds(
                self.channel, MAX_LINE_BYTES, 1, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except ConnectionError:
            chunk, descriptors = b"", []
        for descriptor in descriptors:
            self._take(descriptor)
        if chunk:
            self.reports += self.lines.feed(chunk)
        else:
            self.is_drained = True
            asyncio.get_running_loop().remove_reader(self.channel)
        self.stirred.set()

    def close(self) -> None:
        """Let go of the channel and the door."""
        if not self.is_drained:
            asyncio.get_running_loop().remove_reader(self.channel)
        self.channel.close()
        if self.door.done():
            self.door.result().close()

    def _take(self, descriptor: int) -> None:
        """Take the door; whatever a child sends after it is not wanted."""
        if self.door.done():
            os.close(descriptor)
            return
        with contextlib.suppress(OSError):
            self.door.set_result(socket.socket(fileno=descriptor))

    async def stir(self, wait_s: float) -> None:
        """Wait until it says something or ends, but not longer than the given seconds."""
        try:
            async with asyncio.timeout(wait_s):
                await self.stirred.wait()
        except TimeoutError:
            return
        self.stirred.clear()

    def taken(self) -> list[Report]:
        """Return the reports that nobody has read yet, once."""
        reports, self.reports = self.reports, []
        return reports

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of it and all that it said has come."""
        return self.ended.done() and self.is_drained

    def settle(self, code: int | None) -> None:
        """Note the end, once."""
        if not self.ended.done():
            self.ended.set_result(code)
            self.stirred.set()
