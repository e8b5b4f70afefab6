"""`vasset get`: addresses are submitted, watched and saved, each without waiting for the others."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vasset.client import submission, transfer
from vasset.client.api import Api, ApiError, Place, open_api
from vasset.client.events import Accepted, Board, Failed, Saved, Saving
from vasset.client.shapes import ENDED_WELL, Download, Refused
from vasset.client.submission import Form
from vasset.client.targets import Target, target_of
from vasset.client.watch import Watch

MAX_TRANSFERS = 3
"""At once; a server lets one account have five, and a person may want to look at one meanwhile."""

_TELL_EVERY_S = 0.25
_QUOTA = "quota_exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be got.

    Attributes:
        history_ids: Downloads that were submitted before.
        folder: Where the files go.
        is_awaited: Whether files are saved; otherwise only submitted.
    """

    urls: Sequence[str]
    history_ids: Sequence[int]
    form: Form
    folder: Path
    is_awaited: bool = True


@dataclass(slots=True)
class Getting:
    """One `get`.

    Attributes:
        is_well: Whether nothing has failed so far.
        unfinished: Downloads that the server has accepted and that are not saved yet.
    """

    place: Place
    wanted: Wanted
    board: Board
    is_well: bool = True
    unfinished: list[int] = field(default_factory=list[int])
    _following: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _saves: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_TRANSFERS))
    # Two addresses may lead to the same file.
    _alone: dict[Path, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def run(self) -> None:
        """Do all of it; what fails is shown and remembered, and stops nothing else."""
        async with open_api(self.place, self.board.show) as api:
            if not self.wanted.is_awaited:
                await self._begin(api, self._accept)
                return
            watch = Watch(api, self.board.show)
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch.run())

                def follow(download: Download) -> None:
                    self._accept(download)
                    task = tasks.create_task(self._follow(api, watch, download))
                    self._following.add(task)
                    task.add_done_callback(self._following.discard)

                await self._begin(api, follow)
                while self._following:
                    await asyncio.wait(self._following)
                watching.cancel()

    async def _begin(self, api: Api, follow: Callable[[Download], None]) -> None:
        """Take up what was submitted before, and submit the rest."""
        for history_id in self.wanted.history_ids:
            try:
                follow(await api.ask("GET", f"/download/{history_id}", Download))
            except ApiError as error:
                self._fail(history_id, "", error.code, str(error))
        beyond: list[Refused] = []
        async for item in submission.submit(api, self.wanted.urls, self.wanted.form):
            if isinstance(item, Download):
                follow(item)
            elif item.error.code == _QUOTA:
                beyond.append(item)
            else:
                self._refuse(item)
        is_full = False
        for refused in beyond:
            late = refused if is_full else await self._submit_late(api, refused)
            if isinstance(late, Download):
                follow(late)
            else:
                # Nothing of ours will make room any more: the others need not be asked.
                is_full = late.error.code == _QUOTA
                self._refuse(late)

    def _accept(self, download: Download) -> None:
        self.unfinished.append(download.history_id)
        self.board.show(Accepted(history_id=download.history_id, url=download.url))

    async def _submit_late(self, api: Api, refused: Refused) -> Download | Refused:
        """Submit what was beyond a quota, again whenever a download of ours has ended."""
        while True:
            item = await submission.submit_one(api, refused.url, self.wanted.form)
            if isinstance(item, Download) or item.error.code != _QUOTA or not self._following:
                return item
            await asyncio.wait(self._following, return_when=asyncio.FIRST_COMPLETED)

    async def _follow(self, api: Api, watch: Watch, download: Download) -> None:
        history_id, url = download.history_id, download.url
        try:
            ended = await watch.ended(history_id)
            if ended.status_code not in ENDED_WELL:
                self._fail(history_id, url, *_why(ended))
                return
            target = target_of(ended, self.wanted.folder)
            async with self._saves, self._alone[target.part]:
                path = await transfer.save(api, history_id, target, self._arrivals(ended))
        except ApiError as error:
            # Without an answer the download itself may well be there, or come.
            again = f"; `vasset get {history_id}` goes on with it" if not error.status else ""
            self._fail(history_id, url, error.code, f"{error}{again}")
        except BlockingIOError:
            self._fail(history_id, url, "conflict", "another `vasset get` is saving this file")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._fail(history_id, url, "internal", f"cannot save it: {why}")
        else:
            self.unfinished.remove(history_id)
            self.board.show(_saved(ended, target, path))

    def _arrivals(self, download: Download) -> Callable[[int], None]:
        clock, told_at = asyncio.get_running_loop().time, 0.0

        def arrived(arrived_bytes: int) -> None:
            nonlocal told_at
            if clock() - told_at >= _TELL_EVERY_S:
                told_at = clock()
                self.board.show(
                    Saving(
                        history_id=download.history_id,
                        arrived_bytes=arrived_bytes,
                        size_bytes=download.file_size or 0,
                    )
                )

        return arrived

    def _refuse(self, refused: Refused) -> None:
        self._fail(None, refused.url, refused.error.code, refused.error.text)

    def _fail(self, history_id: int | None, url: str, code: str, message: str) -> None:
        self.is_well = False
        if history_id in self.unfinished:
            self.unfinished.remove(history_id)
        self.board.show(Failed(history_id=history_id, url=url, code=code, message=message))


def _why(download: Download) -> tuple[str, str]:
    """Return the code and the words for a download that has no file."""
    if download.error is not None:
        return download.error.code, download.error.text
    return download.status, f"the download is {download.status}"


def _saved(download: Download, target: Target, path: Path) -> Saved:
    return Saved(
        history_id=download.history_id,
        url=download.url,
        path=str(path),
        size_bytes=target.size_bytes,
        md5=target.digest,
        warnings=tuple(warning.message for warning in download.warnings),
    )
