"""What runs in a forked child: one fetch by yt-dlp, then the end."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partialmethod
from typing import Any

import yt_dlp  # noqa: TID251 - the one file that may
from yt_dlp.networking import Request  # noqa: TID251 - the one file that may
from yt_dlp.postprocessor.common import PostProcessor  # noqa: TID251 - the one file that may
from yt_dlp.utils import YoutubeDLError  # noqa: TID251 - the one file that may

from domain.failures import UnsupportedSiteError
from gateways.ytdlp import cage
from gateways.ytdlp.causes import report_of
from gateways.ytdlp.options import ytdlp_options
from gateways.ytdlp.protocol import (
    MAX_LINE_BYTES,
    Done,
    Merging,
    Report,
    Start,
    decode_control,
    encode_report,
)
from gateways.ytdlp.tally import Tally
from gateways.ytdlp.validators import Validators

EXIT_FAILED = 1
"""The child's exit code after a report of failure."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def serve_one(orders: socket.socket, parent: int) -> int:
    """Wait for one order, carry it out, and return the exit code.

    The caller is a fresh fork: this takes over the process, and the process must end with it.

    Args:
        orders: The packet with the order comes from here, with the pipe for the reports.
        parent: The server's process id.
    """
    cage.die_with_parent(parent)
    os.setsid()
    silence()
    packet, pipes, _, _ = socket.recv_fds(orders, MAX_LINE_BYTES, 1)
    orders.close()
    if not pipes:
        return os.EX_OK
    start = decode_control(packet)
    if not isinstance(start, Start):
        return os.EX_PROTOCOL
    os.set_inheritable(pipes[0], False)  # noqa: FBT003 - the standard library's own signature

    def tell(report: Report) -> None:
        # A report of progress is shorter than what a pipe takes whole: threads cannot mix theirs.
        os.write(pipes[0], encode_report(report))

    try:
        shut_in(start)
        tell(fetch(start, tell))
    except BaseException as error:  # noqa: BLE001 - the process ends here, and with it the untold
        # What the failed fetch holds may be all the memory that it was allowed.
        cage.lift_memory_limit()
        tell(report_of(error, datetime.fromtimestamp(time.time(), UTC)))
        return EXIT_FAILED
    return os.EX_OK


def silence() -> None:
    """Point standard input, output and error to nowhere: what sites say goes into no log."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def shut_in(start: Start) -> None:
    """Leave the process nothing but its staging folder, its limits and a bare environment."""
    staging = start.order.staging
    os.chdir(staging)
    os.umask(0o077)
    environment = os.environ  # noqa: TID251 - emptied, so that yt-dlp and ffmpeg find nothing
    environment.clear()
    environment.update(
        PATH=_PATH,
        LANG="C.UTF-8",
        HOME=str(staging),
        TMPDIR=str(staging),
        YTDLP_NO_PLUGINS="1",
    )
    # Every program that yt-dlp starts dies with this process, even if it is killed.
    constrained = partialmethod(subprocess.Popen.__init__, preexec_fn=cage.for_program())
    # The overloads cannot say that a default was added.
    subprocess.Popen.__init__ = constrained  # pyright: ignore[reportAttributeAccessIssue]
    cage.lower_limits(max_bytes=start.limits.max_bytes, time_limit=start.limits.time_limit)
    cage.forbid_new_privileges()


def fetch(start: Start, tell: Callable[[Report], None]) -> Done:
    """Fetch the ordered video into its staging folder and return what the site said of it.

    Raises:
        Exception: Whatever yt-dlp raises; ``causes`` knows what it means.
    """
    tally = Tally(start.limits.max_bytes, tell, time.monotonic)

    def merging(hook: Mapping[str, Any]) -> None:
        if hook["status"] == "started" and hook["postprocessor"] != Planner.pp_key():
            tell(Merging())

    # Any, because the parameters have a type only in yt-dlp's stubs.
    options: Any = ytdlp_options(start.order, start.limits, start.tools)
    options["progress_hooks"] = [tally.add]
    options["postprocessor_hooks"] = [merging]
    with _WholeFiles(options) as ytdlp:
        ytdlp.add_post_processor(Planner(tally), when="before_dl")
        found: Any = ytdlp.extract_info(start.order.wish.url, download=True)
    return facts(found)


class _WholeFiles(yt_dlp.YoutubeDL):
    """yt-dlp, but a transfer that broke off goes on only with the rest of the same file."""

    def __init__(self, options: Any) -> None:  # noqa: ANN401 - a type only in the stubs
        self._validators = Validators()
        super().__init__(options)

    def urlopen(self, req: Any) -> Any:  # noqa: ANN401 - a type only in the stubs
        """Open an address or a request."""
        request: Any = Request(req) if isinstance(req, str) else req
        for name, value in self._validators.condition(request.url, request.headers).items():
            if value is None:
                del request.headers[name]
            else:
                request.headers[name] = value
        response: Any = super().urlopen(request)
        self._validators.judge(request.url, response.status, response.headers)
        return response


class Planner(PostProcessor):
    """Tells the tally which formats were chosen; yt-dlp's own place to learn it."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def run(self, information: Any) -> tuple[list[str], Any]:  # noqa: ANN401 - only in the stubs
        """Note the chosen formats; change and delete nothing."""
        self._tally.plan(information.get("requested_formats") or [information])
        return [], information


def facts(found: Mapping[str, Any] | None) -> Done:
    """Return what a site said about the one video that was fetched.

    Raises:
        UnsupportedSiteError: It offered none.
    """
    while found is not None and "entries" in found:
        found = next(iter(found["entries"] or []), None)
    if found is None:
        raise UnsupportedSiteError
    duration = found.get("duration")
    return Done(
        title=str(found.get("title") or ""),
        extractor=str(found.get("extractor") or ""),
        webpage_url=_text(found.get("webpage_url")),
        thumbnail=_text(found.get("thumbnail")),
        duration_s=float(duration) if isinstance(duration, int | float) else None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def warm(start: Start) -> None:
    """Fetch one small file in this very process, so that its forks need not load what it takes.

    The patterns of all extractors are compiled by the first fetch only: 0.10 s for one after it
    against 0.56 s after a bare import.
    """
    with contextlib.suppress(YoutubeDLError):
        fetch(start, lambda _: None)
