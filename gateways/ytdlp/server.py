"""The warm fork server: one thread, its own process, one forked child for each fetch."""

import contextlib
import gc
import itertools
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from gateways.ytdlp import cage, child, namespaces
from gateways.ytdlp.child import Work
from gateways.ytdlp.forked import Child
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
from gateways.ytdlp.sandbox import Level, Sandbox, enclose
from gateways.ytdlp.warmup import warm_up

_HANDLED = (signal.SIGTERM, signal.SIGCHLD)

MAX_DESCRIPTOR = 65_536
IDLE_S = 0.02
"""How long nothing must happen before a spare child is forked: orders come first."""


@dataclass(slots=True, kw_only=True)
class Server:
    """Forks, hands out and buries the children.

    Attributes:
        control: To the runner; its end is this server's end.
        work: What a child does with an order.
        own: A pidfd of this process.
        children: By process id, which is also the id of the child's group.
    """

    control: socket.socket
    wakeup: socket.socket
    spare_children: int
    level: Level
    work: Work
    own: int = field(default_factory=lambda: os.pidfd_open(os.getpid()))
    children: dict[int, Child] = field(default_factory=dict[int, Child])

    def serve(self) -> None:
        """Serve until the runner is gone or SIGTERM came."""
        self._say(Ready(level=self.level))
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.wakeup, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(self._patience())}
                if self.wakeup in ready and signal.SIGTERM in self.wakeup.recv(4096):
                    return
                self._bury()
                self._kill_late()
                if self.control in ready and not self._obey():
                    return
                if not ready and self._lacks_spares():
                    with contextlib.suppress(OSError):  # No memory now; an order would say so.
                        self._fork()

    def end_all(self) -> None:
        """Kill every group and wait until nothing of it is left."""
        for one in self.children.values():
            one.signal_group(signal.SIGKILL)
        while self.children:
            self._bury(options=0)

    def _patience(self) -> float | None:
        """Return for how many seconds nothing needs to be done unless something happens."""
        waits = [one.kill_at - time.monotonic() for one in self.children.values() if one.kill_at]
        if self._lacks_spares():
            waits.append(IDLE_S)
        return max(0.0, min(waits)) if waits else None

    def _lacks_spares(self) -> bool:
        spares = sum(1 for one in self.children.values() if one.job is None)
        return spares < self.spare_children

    def _obey(self) -> bool:
        """Carry out one message of the runner; return False if the runner is gone."""
        try:
            packet, channels, _, _ = socket.recv_fds(self.control, MAX_LINE_BYTES, 1)
        except ConnectionError:
            return False
        if not packet:
            return False
        message = decode_control(packet)
        if isinstance(message, Start | Look | Inspect):
            self._start(message.job, packet, channels[0])
        elif isinstance(message, End):
            self._end(message)
        return True

    def _start(self, job: int, packet: bytes, channel: int) -> None:
        try:
            spare = next((one for one in self.children.values() if one.job is None), None)
            one = spare or self._fork()
        except OSError:
            self._say(Exited(job=job, code=os.EX_OSERR))
        else:
            one.job = job
            try:
                socket.send_fds(one.orders, [packet], [channel])
            except OSError:
                # It died while it waited, or takes nothing in; its burial tells the runner.
                one.signal_group(signal.SIGKILL)
        finally:
            os.close(channel)

    def _end(self, message: End) -> None:
        for one in self.children.values():
            if one.job == message.job:
                one.signal_group(signal.SIGTERM)
                one.kill_at = time.monotonic() + message.grace.total_seconds()

    def _kill_late(self) -> None:
        now = time.monotonic()
        for one in self.children.values():
            if one.kill_at is not None and one.kill_at <= now:
                one.signal_group(signal.SIGKILL)
                one.kill_at = None

    def _bury(self, options: int = os.WNOHANG) -> None:
        """Reap the children that ended, each with all that it started.

        Until a child is reaped its process id cannot be given to another, so its group is killed
        first. What it started was inherited by this process and is reaped with it.
        """
        while self.children:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | options)
            if ended is None:
                return
            one = self.children.get(ended.si_pid)
            if one is None:
                os.waitpid(ended.si_pid, 0)
                continue
            one.signal_group(signal.SIGKILL)
            _, status = os.waitpid(one.pid, 0)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-one.pid, 0)
            one.orders.close()
            del self.children[one.pid]
            if one.job is not None:
                self._say(Exited(job=one.job, code=os.waitstatus_to_exitcode(status)))

    def _fork(self) -> Child:
        if self.level is Level.FULL:
            namespaces.let_next_fork_begin_anew(self.own)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A signal to a child that still has this server's handlers would be told to the server.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            pid = os.fork()
            if pid == 0:
                self._become_child(theirs)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        theirs.close()
        one = Child(pid=pid, orders=ours)
        self.children[pid] = one
        return one

    def _become_child(self, theirs: socket.socket) -> NoReturn:
        code = os.EX_SOFTWARE
        try:
            signal.set_wakeup_fd(-1)
            for number in (*_HANDLED, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
            # The runner must see the server's end even while children still live, and a child
            # must hold nothing by which it could reach either.
            _close_all_but(theirs.fileno(), self.own)
            code = child.serve_one(theirs, self.own, self.level, self.work)
        finally:
            # Never back up the stack: that belongs to the server.
            os._exit(code)

    def _say(self, message: Control) -> None:
        # If the runner is gone, the next read of the channel ends this server.
        with contextlib.suppress(ConnectionError):
            self.control.send(encode_control(message))


def _close_all_but(*kept: int) -> None:
    """Close every descriptor above the standard three but these."""
    for last, following in itertools.pairwise((2, *sorted(kept), MAX_DESCRIPTOR)):
        # Of an empty range Python 3.11 makes one that never ends.
        if following > last + 1:
            os.closerange(last + 1, following)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number in the wakeup socket is all that is wanted of it."""


def main(work: Work = child.visit) -> None:
    """Serve the runner at the other end of a socket until it is gone.

    The command line is the socket's number, that of a pidfd of the runner, how many spare children
    to keep, and the wanted sandbox; what may be secret comes through the socket alone.
    """
    control_fd, runner, spare_children = map(int, sys.argv[1:4])
    cage.die_with_parent(runner)
    # A new session: a terminal's Ctrl-C is for the worker, which then ends this server.
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=control_fd)
    control.set_inheritable(False)
    level = enclose(Sandbox(sys.argv[4]), control)
    cage.adopt_orphans()
    wakeup, written = socket.socketpair()
    written.settimeout(0)
    warm_up()
    gc.collect()
    gc.freeze()
    signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    for number in _HANDLED:
        signal.signal(number, _noticed)
    server = Server(
        control=control, wakeup=wakeup, spare_children=spare_children, level=level, work=work
    )
    try:
        server.serve()
    finally:
        server.end_all()


if __name__ == "__main__":
    main()
