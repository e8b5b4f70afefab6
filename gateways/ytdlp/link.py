"""The runner's end of a fork server: the process, the control channel, the jobs."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from domain.failures import InterruptedDownloadError
from gateways.ytdlp.job import Job
from gateways.ytdlp.options import ChildOrder, FetchLimits, Tools
from gateways.ytdlp.protocol import (
    MAX_LINE_BYTES,
    Control,
    End,
    Exited,
    Inspect,
    Look,
    Ready,
    Start,
    decode_control,
    encode_control,
)
from gateways.ytdlp.sandbox import Level, Sandbox
from gateways.ytdlp.spawning import PROGRAM, spawn
from gateways.ytdlp.versions import Version

START_TIMEOUT_S = 60.0
SEND_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 3.0


class Link:
    """A running fork server. Everything here belongs to one event loop."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._jobs: dict[int, Job] = {}
        self._last_number = 0
        self._is_ready = False
        self._is_gone = False
        #: How strong the walls around its children are; known once it is ready.
        self.level = Level.NONE
        #: The yt-dlp that its children use.
        self.version: Version | None = None
        self._stirred = asyncio.Event()

    @classmethod
    async def open(
        cls,
        spare_children: int,
        sandbox: Sandbox,
        *,
        version: Version | None = None,
        program: str = PROGRAM,
    ) -> "Link":
        """Return a link to a new server that is warmed up.

        Args:
            version: Of yt-dlp; None for the one that came with us.
            program: What Python runs; it takes our root from its arguments, then serves.

        Raises:
            InterruptedDownloadError: The server ended, or took longer than a minute.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        with theirs:
            process = spawn(program, theirs.fileno(), spare_children, sandbox, version)
        link = cls(process, ours)
        link.version = version
        await link.become_ready()
        return link

    async def become_ready(self) -> None:
        """Wait until the server is warmed up.

        Raises:
            InterruptedDownloadError: It ended, or took too long.
        """
        asyncio.get_running_loop().add_reader(self._control, self._read)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._stirred.wait()
        except TimeoutError as error:
            raise InterruptedDownloadError from error
        finally:
            if not self._is_ready:
                await self.close()
        if not self.is_alive:
            raise InterruptedDownloadError

    @property
    def is_idle(self) -> bool:
        """Whether it has no job left."""
        return not self._jobs

    @property
    def is_alive(self) -> bool:
        """Whether the server can take orders."""
        return not self._is_gone

    async def start(self, order: ChildOrder, limits: FetchLimits, tools: Tools) -> Job:
        """Return the job that was made of an order.

        Raises:
            InterruptedDownloadError: The server is gone, or takes nothing in.
        """
        return await self._give(lambda job: Start(job=job, order=order, limits=limits, tools=tools))

    async def inspect(self, file: Path, limits: FetchLimits) -> Job:
        """Return the job that looks into a file; as ``start``."""
        return await self._give(
            lambda job: Inspect(job=job, staging=file.parent, name=file.name, limits=limits)
        )

    async def look(self, look: Look) -> Job:
        """Return the job of a look, whatever number it has; as ``start``."""
        return await self._give(lambda job: replace(look, job=job))

    async def _give(self, message_of: Callable[[int], Start | Look | Inspect]) -> Job:
        self._last_number += 1
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        loop = asyncio.get_running_loop()
        job = Job(
            number=self._last_number,
            channel=ours,
            door=loop.create_future(),
            ended=loop.create_future(),
        )
        self._jobs[job.number] = job
        loop.add_reader(ours, job.read)
        is_sent = False
        try:
            with theirs:
                await self._send(message_of(job.number), theirs.fileno())
            is_sent = True
        finally:
            if not is_sent:
                self.forget(job)
        return job

    async def end(self, job: Job, *, grace: timedelta, patience: timedelta) -> None:
        """End a job's processes and return when none is left, even if cancelled meanwhile.

        Args:
            patience: A server that takes longer than this is killed, and its children with it.

        Raises:
            CancelledError: It was cancelled meanwhile.
        """
        ending = asyncio.ensure_future(self._end(job, grace, patience.total_seconds()))
        cancelled: asyncio.CancelledError | None = None
        while not ending.done():
            try:
                await asyncio.wait({ending})
            except asyncio.CancelledError as error:
                cancelled = error
        ending.result()
        if cancelled is not None:
            raise cancelled

    async def _end(self, job: Job, grace: timedelta, patience_s: float) -> None:
        try:
            await self._send(End(job=job.number, grace=grace))
            await asyncio.wait({job.ended}, timeout=patience_s)
        except InterruptedDownloadError:
            self.kill()
        if not job.ended.done():
            self.kill()
        # The end of the pipe is the end of the child, also where no server can tell any more.
        for _ in range(100):
            if job.is_drained:
                return
            await asyncio.sleep(0.01)

    def forget(self, job: Job) -> None:
        """Let go of a job that has ended."""
        self._jobs.pop(job.number, None)
        job.close()

    def kill(self) -> None:
        """End the server and, by their parent-death signal, all its children at once."""
        self._process.kill()
        self._lose()

    async def close(self) -> None:
        """End the server and everything that it started, within a few seconds."""
        # The server takes the end of the channel as an order to end all and go.
        self._lose()
        for _ in range(int(CLOSE_TIMEOUT_S / 0.01)):
            if self._process.poll() is not None:
                return
            await asyncio.sleep(0.01)
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def _send(self, message: Control, *descriptors: int) -> None:
        packet = encode_control(message)
        deadline = asyncio.get_running_loop().time() + SEND_TIMEOUT_S
        while self.is_alive and asyncio.get_running_loop().time() < deadline:
            try:
                socket.send_fds(self._control, [packet], descriptors)
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                break
            else:
                return
        raise InterruptedDownloadError

    def _read(self) -> None:
        packet = b""
        with contextlib.suppress(ConnectionError):
            packet = self._control.recv(MAX_LINE_BYTES)
        if not packet:
            self._lose()
            return
        message = decode_control(packet)
        if isinstance(message, Ready):
            self._is_ready = True
            self.level = message.level
            self._stirred.set()
        elif isinstance(message, Exited) and message.job in self._jobs:
            self._jobs[message.job].settle(message.code)

    def _lose(self) -> None:
        """Take notice that the server is gone, or is as good as gone."""
        if self._is_gone:
            return
        self._is_gone = True
        self._stirred.set()
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        for job in self._jobs.values():
            job.settle(None)
