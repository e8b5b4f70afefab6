"""What runs in a forked child: one fetch by yt-dlp, then the end."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import yt_dlp  # noqa: TID251 - the one file that may
from yt_dlp.networking import Request  # noqa: TID251 - the one file that may
from yt_dlp.networking import common as networking  # noqa: TID251 - the one file that may
from yt_dlp.networking.exceptions import (  # noqa: TID251 - the one file that may
    HTTPError,
    TransportError,
)
from yt_dlp.utils import PlaylistEntries, YoutubeDLError  # noqa: TID251 - the one file that may

from domain.failures import CorruptError, DownloadError, StalledError
from gateways.egress.passage import USER
from gateways.ytdlp import cage, confinement, namespaces, signals
from gateways.ytdlp.adjustments import adjust, name_safely, part_of
from gateways.ytdlp.aside import TIMEOUT_S, Aside
from gateways.ytdlp.causes import refusal_of, report_of
from gateways.ytdlp.connections import Connections
from gateways.ytdlp.facts import facts, parts, whole
from gateways.ytdlp.inspection import inspect
from gateways.ytdlp.lists import Choosing, Naming, alone
from gateways.ytdlp.look_options import look_options
from gateways.ytdlp.miniatures import Miniature
from gateways.ytdlp.options import ytdlp_options
from gateways.ytdlp.postprocessing import Planner, Wrapper
from gateways.ytdlp.protocol import (
    MAX_LINE_BYTES,
    Done,
    Inspect,
    Look,
    Merging,
    Report,
    Start,
    Transfer,
    decode_control,
    encode_report,
)
from gateways.ytdlp.recording import Recording, recording_of
from gateways.ytdlp.remarks import Remarks
from gateways.ytdlp.responses import ResponseChecker, WrongAnswerError
from gateways.ytdlp.sandbox import Level
from gateways.ytdlp.selector import Selector, prefer_first_language
from gateways.ytdlp.shrinking import miniature_of
from gateways.ytdlp.subtitles import choose, is_readable
from gateways.ytdlp.tally import Tally
from gateways.ytdlp.transfers import TransferLog

LOOPBACK = "127.0.0.1"

LOOK_PATIENCE_S = 4.0
"""How long a look waits to see whether a playlist grows; one that may need longer is live."""

# The parts of one film are a list too: none of them is what was asked for.
_LISTS = ("playlist", "multi_video", "compat_list")

Tell = Callable[[Report], None]
Work = Callable[[Start | Look, str, Tell], Report | None]
"""Fetches or looks as ordered, through the gate at an address, telling how far it is."""


def serve_one(orders: socket.socket, parent: int, level: Level, work: "Work") -> int:
    """Wait for one order, carry it out, and return the exit code.

    The caller is a fresh fork: this takes over the process, and the process must end with it.

    Args:
        orders: The packet with the order comes from here, with our end of the job's channel.
        parent: A pidfd of the server.
    """
    door = _begin(parent, level)
    packet, descriptors, _, _ = socket.recv_fds(orders, MAX_LINE_BYTES, 1)
    orders.close()
    if not descriptors:
        return os.EX_OK
    channel = socket.socket(fileno=descriptors[0])
    channel.set_inheritable(False)
    message = decode_control(packet)

    def tell(report: Report) -> None:
        channel.sendall(encode_report(report))

    try:
        match message:
            case Start() | Look():
                # The runner answers at this door from its own net: a socket stays where it was
                # made.
                socket.send_fds(channel, [b"\n"], [door.fileno()])
                last = _go_out(message, door, level, work, tell)
                if last is not None:
                    tell(last)
            case Inspect():
                tell(_inspect(message, door, level))
            case _:
                return os.EX_PROTOCOL
    except BaseException as error:  # noqa: BLE001 - the process ends here, and with it the untold
        # What the failed fetch holds may be all the memory that it was allowed.
        cage.lift_memory_limit()
        tell(report_of(error, datetime.fromtimestamp(time.time(), UTC)))
        return signals.EXIT_FAILED
    return os.EX_OK


def _begin(parent: int, level: Level) -> socket.socket:
    """Do before the order, while nobody waits, all that needs none; return the door."""
    cage.die_with_parent(parent)
    os.close(parent)
    os.setsid()
    confinement.silence()
    signals.heed()
    if level is Level.FULL:
        namespaces.leave_the_net()
    return socket.create_server((LOOPBACK, 0))


def _go_out(
    message: Start | Look, door: socket.socket, level: Level, work: "Work", tell: Tell
) -> Report | None:
    port = int(door.getsockname()[1])
    door.close()
    if isinstance(message, Look):
        # It leaves nothing behind, so there is no place where it may write.
        folder, token = None, message.token
    else:
        folder, token = message.order.staging, message.order.token
    outside = confinement.Outside(port=port, programs=confinement.programs(message.tools))
    confinement.shut_in(message.limits, folder, level, outside)
    return work(message, f"http://{USER}:{token}@{LOOPBACK}:{port}", tell)


def _inspect(message: Inspect, door: socket.socket, level: Level) -> Report:
    door.close()
    confinement.shut_in(message.limits, message.staging, level)
    return inspect(message.staging / message.name)


def visit(order: Start | Look, gate: str, tell: Tell) -> Report | None:
    """Fetch or look, as ordered, and return the last word."""
    return look(order, gate, tell) if isinstance(order, Look) else fetch(order, gate, tell)


def look(order: Look, gate: str, tell: Tell) -> Miniature | None:
    """Tell all that a site says of an address, and return the picture if there is one.

    Raises:
        Exception: As ``fetch``; once the whole is told, it is only the picture that failed.
    """
    options: Any = look_options(order, gate)
    with _Ytdlp(options, Naming(order.max_entries), LOOK_PATIENCE_S, is_look=True) as ytdlp:
        found: Any = alone(ytdlp.extract_info(order.url, download=False) or {})
        for part in parts(found, order.url, order.max_entries):
            tell(part)
        tell(whole(found, order.max_entries))
        return miniature_of(found, ytdlp.urlopen)


def fetch(start: Start, gate: str, tell: Tell) -> Done:
    """Fetch the ordered video into its staging folder and return what the site said of it.

    Args:
        gate: The address of the gate, with the token.

    Raises:
        Exception: Whatever yt-dlp raises; ``causes`` knows what it means.
    """
    tally = Tally(start.limits.max_bytes, tell, time.monotonic)
    rewriting = set[str]()

    def merging(hook: Mapping[str, Any]) -> None:
        if hook["status"] == "started" and hook["postprocessor"] != Planner.pp_key():
            rewriting.add(hook["postprocessor"])
            tell(Merging())

    # Any, because the parameters have a type only in yt-dlp's stubs.
    options: Any = ytdlp_options(start.order, start.limits, start.tools, gate=gate)
    options["postprocessor_hooks"] = [merging]
    # Half of it, so that a wait is no stall.
    patience_s = start.limits.stall_timeout.total_seconds() / 2
    wish = start.order.wish
    with _Ytdlp(options, Choosing(wish.entry, start.limits.max_entries), patience_s) as ytdlp:
        ytdlp.format_selector = Selector(wish, ytdlp.build_format_selector)
        ytdlp.transfers = transfers = TransferLog(start.order.staging, part_of, HTTPError)
        ytdlp.add_progress_hook(ytdlp.aside.watch)
        ytdlp.add_progress_hook(tally.add)
        ytdlp.recording = recording = recording_of(start)
        wrapper = Wrapper(wish, ytdlp)
        ytdlp.add_post_processor(Planner(tally, wrapper, recording), when="before_dl")
        found: Any = ytdlp.extract_info(wish.url, download=True)
    transfer = transfers.facts(is_rewritten=bool(rewriting - {"MoveFiles"}))
    done = facts(found)
    warnings = (*done.warnings, *ytdlp.aside.warnings)
    if recording is not None and recording.has_begun:
        # All of it came that was recorded: nobody knows more of its length.
        transfer = Transfer(is_complete=True)
        warnings += recording.warnings
    return replace(done, warnings=warnings, transfer=transfer)


# Reading the certificates takes 15 ms; what the warm-up has read, its forks need not.
_networking: Any = networking
_networking.make_ssl_context = cache(_networking.make_ssl_context)

adjust()


class _Ytdlp(yt_dlp.YoutubeDL):
    """yt-dlp, but it takes no entry of a list that is not meant.

    A transfer that broke off goes on only with the rest of the same file.
    """

    # Sorting out 1,800 extractors takes 40 ms; the warm-up does it for all its forks.
    _extractors: ClassVar[list[Any]] = []

    def add_default_info_extractors(self) -> None:
        """Add the extractors that yt-dlp would, found out only once."""
        if not self._extractors:
            super().add_default_info_extractors()
            self._extractors.extend(self._ies.values())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue] - no types there
            return
        for extractor in self._extractors:
            self.add_info_extractor(extractor)

    def __init__(
        self,
        options: Any,  # noqa: ANN401 - a type only in the stubs
        lists: Naming | Choosing,
        patience_s: float,
        *,
        is_look: bool = False,
    ) -> None:
        self._lists = lists
        #: What is known of the transfers; None if nothing is fetched.
        self.transfers: TransferLog | None = None
        self._checker: ResponseChecker | None = None
        self.remarks = Remarks()
        self.connections = Connections()
        self.aside = Aside(patience_s)
        self._answers = WeakSet[Any]()
        #: How long it may wait for a playlist to grow.
        self.patience_s = patience_s
        self.is_look = is_look
        self.recording: Recording | None = None
        super().__init__(options | {"logger": self.remarks})

    def __exit__(self, *raised: object) -> None:
        """Close, and give to what was raised all that yt-dlp said before."""
        error = raised[1]
        if isinstance(error, BaseException) and self.remarks.text:
            error.add_note(self.remarks.text)
        super().__exit__(*raised)

    def raise_no_formats(self, info: Any, forced: bool = False, *, msg: Any = None) -> None:  # noqa: ANN401, FBT001, FBT002 - as the base has it
        """Give up on a video without formats, for the reason that it is marked with.

        Raises:
            DownloadError: Our own, if there is such a mark.
        """
        refusal = refusal_of(info)
        if refusal is not None:
            raise refusal
        super().raise_no_formats(info, forced, msg=msg)

    def process_ie_result(  # pyright: ignore[reportIncompatibleMethodOverride] - types only in the stubs
        self,
        ie_result: Any,  # noqa: ANN401
        *told: Any,  # noqa: ANN401
        **named: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Follow what an extractor found, of a list only the entries that are meant."""
        kind = ie_result.get("_type") or "video"
        if kind in _LISTS:
            pairs: Any = PlaylistEntries(self, ie_result)
            ie_result["entries"] = self._lists.narrow(ie_result, pairs)
        elif kind == "video":
            self._lists.check(ie_result)
            if self.recording is not None:
                self.recording.prepare(ie_result)
        return super().process_ie_result(ie_result, *told, **named)

    def sort_formats(self, info_dict: Any) -> None:  # noqa: ANN401 - a type only in the stubs
        """Sort the formats, the best last."""
        prefer_first_language(info_dict.get("formats") or ())
        super().sort_formats(info_dict)

    def process_subtitles(  # pyright: ignore[reportIncompatibleMethodOverride] - types only in the stubs
        self,
        _video_id: Any,  # noqa: ANN401
        offered: Any,  # noqa: ANN401
        automatic: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Choose the tracks of the wished languages, among those that can be embedded."""
        parameters: dict[str, Any] = self.params  # pyright: ignore[reportAssignmentType]
        if not parameters.get("writesubtitles"):
            return {}
        forms = str(parameters["subtitlesformat"]).split("/")
        chosen = choose(parameters["subtitleslangs"], offered or {}, automatic or {}, forms)
        self.aside.missing = [language for language, track in chosen.items() if track is None]
        return {language: track for language, track in chosen.items() if track is not None}

    def _write_subtitles(self, info_dict: Any, filename: str) -> list[Any]:  # noqa: ANN401
        """Fetch each track by itself; the video comes without those that fail."""
        written: list[Any] = []
        tracks: dict[str, Any] = info_dict.get("requested_subtitles") or {}
        for language, track in list(tracks.items()):
            try:
                written += self._fetch_track(info_dict, filename, language, track)
            except (YoutubeDLError, DownloadError, OSError, ValueError) as error:
                self.remarks.warning(f"subtitles {language}: {error}")
                self.aside.missing.append(language)
                del tracks[language]
                for left in Path(filename).parent.glob(f"*.{language}.*"):
                    left.unlink()
        return written

    def _fetch_track(self, info_dict: Any, filename: str, language: str, track: Any) -> list[Any]:  # noqa: ANN401
        """Return where the track of one language is.

        Raises:
            CorruptError: What came are no subtitles.
            StalledError: Others have taken too long.
        """
        if self.aside.is_exhausted:
            raise StalledError
        base: Any = super()
        alone_with = {**info_dict, "requested_subtitles": {language: track}}
        with self.aside.trying():
            files: list[Any] = base._write_subtitles(alone_with, filename)  # noqa: SLF001 - overridden here
            for file, _ in files:
                if not is_readable(Path(file)):
                    Path(file).unlink(missing_ok=True)
                    raise CorruptError
        return files

    def dl(self, name: Any, info: Any, subtitle: Any = False, test: Any = False) -> Any:  # noqa: ANN401, FBT002  # pyright: ignore[reportIncompatibleMethodOverride] - types only in the stubs
        """Transfer one format, or several together, and check each answer against its request.

        Nothing reads the responses that were opened before.
        """
        self.close_answers()
        if self.transfers is not None and not (subtitle or test):
            self._checker = self.transfers.begin(info)
        try:
            return super().dl(name, info, subtitle, test)
        finally:
            self._checker = None

    def plan(self, playlist: str, part: int | None) -> None:
        """Note what a playlist of the transfer that runs is about to bring."""
        if self.transfers is not None and self._checker is not None:
            self.transfers.plan(playlist, part)

    def close_answers(self) -> None:
        """Close the connections of all answers that were not read to their end."""
        for response in list(self._answers):
            response.close()
        self._answers.clear()

    def process_info(self, info_dict: Any) -> None:  # noqa: ANN401 - a type only in the stubs
        """Fetch one video, under an extension that yt-dlp takes; what is in it decides later."""
        name_safely(info_dict)
        super().process_info(info_dict)

    def urlopen(self, req: Any) -> Any:  # noqa: ANN401 - a type only in the stubs
        """Open an address or a request."""
        request: Any = Request(req) if isinstance(req, str) else req
        if self.aside.is_active:
            request.extensions["timeout"] = TIMEOUT_S
        if self._checker is None:
            return self._send(request)
        try:
            return self._checker.open(request, self._send)
        except WrongAnswerError as error:
            raise TransportError(cause=error) from error

    def _send(self, request: Any) -> Any:  # noqa: ANN401 - a type only in the stubs
        response: Any = super().urlopen(request)
        self._answers.add(response)
        return response


def warm(start: Start) -> None:
    """Fetch one small video in this very process, so that its forks need not load what it takes.

    The patterns of all extractors are compiled by the first fetch only: 0.10 s for one after it
    against 0.56 s after a bare import.
    """
    with contextlib.suppress(YoutubeDLError):
        fetch(start, "", lambda _: None)
