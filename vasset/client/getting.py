"""`vasset get`: addresses are submitted, watched and saved, each without waiting for the others."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from vasset.client import lists, submission, transfer
from vasset.client.api import Api, ApiError, Place, open_api
from vasset.client.events import Accepted, Board, Failed, Listed, Saved, Saving
from vasset.client.lists import IS_PLAYLIST, MAX_DEPTH, Choice, Listing
from vasset.client.shapes import ENDED_WELL, Download, Refused, Shown
from vasset.client.submission import Form, Item
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
        choice: Which videos of an address that leads to several.
    """

    urls: Sequence[str]
    history_ids: Sequence[int]
    form: Form
    folder: Path
    is_awaited: bool = True
    choice: Choice = field(default_factory=Choice)


Follow = Callable[[Download, Item | None], None]
"""Takes a download that was accepted, with what it was submitted for in this call."""


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
    # Addresses that turned out to be lists, with the download that found it out.
    _lists: list[tuple[Item, int | None]] = field(default_factory=list[tuple[Item, int | None]])

    async def run(self) -> None:
        """Do all of it; what fails is shown and remembered, and stops nothing else."""
        async with open_api(self.place, self.board.show) as api:
            if not self.wanted.is_awaited:
                await self._begin(api, self._accept)
                await self._expand_all(api, self._accept)
                return
            watch = Watch(api, self.board.show)
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch.run())

                def follow(download: Download, item: Item | None) -> None:
                    self._accept(download, item)
                    task = tasks.create_task(self._follow(api, watch, download, item))
                    self._following.add(task)
                    task.add_done_callback(self._following.discard)

                await self._begin(api, follow)
                while self._following or self._lists:
                    await self._expand_all(api, follow)
                    await self._one_ended()
                watching.cancel()

    async def _one_ended(self) -> None:
        if self._following:
            await asyncio.wait(self._following, return_when=asyncio.FIRST_COMPLETED)

    async def _begin(self, api: Api, follow: Follow) -> None:
        """Take up what was submitted before, and submit the rest."""
        for history_id in self.wanted.history_ids:
            try:
                follow(await api.ask("GET", f"/download/{history_id}", Download), None)
            except ApiError as error:
                self._fail(history_id, "", error.code, str(error))
        choice = self.wanted.choice
        entry = "first" if choice.is_first else None
        items = [Item(url=url, entry=entry) for url in self.wanted.urls]
        if choice.looks_first:
            self._lists += [(item, None) for item in items]
        else:
            await self._submit(api, items, follow)

    async def _submit(self, api: Api, items: Sequence[Item], follow: Follow) -> None:
        beyond: list[tuple[Item, Refused]] = []
        async for item, answer in submission.submit(api, items, self.wanted.form):
            if isinstance(answer, Refused) and answer.error.code == _QUOTA:
                beyond.append((item, answer))
            else:
                self._take(item, answer, follow)
        is_full = False
        for item, refused in beyond:
            late = refused if is_full else await self._submit_late(api, item)
            # Nothing of ours will make room any more: the others need not be asked.
            is_full = isinstance(late, Refused) and late.error.code == _QUOTA
            self._take(item, late, follow)

    def _take(self, item: Item, answer: Download | Refused, follow: Follow) -> None:
        if isinstance(answer, Download):
            follow(answer, item)
        elif _is_list(item, answer.error.code):
            self._lists.append((item, None))
        else:
            self._refuse(answer)

    def _accept(self, download: Download, item: Item | None) -> None:
        self.unfinished.append(download.history_id)
        title = None if item is None else item.title
        self.board.show(Accepted(history_id=download.history_id, url=download.url, title=title))

    async def _submit_late(self, api: Api, item: Item) -> Download | Refused:
        """Submit what was beyond a quota, again whenever a download of ours has ended."""
        while True:
            answer = await submission.submit_one(api, item, self.wanted.form)
            is_over = isinstance(answer, Download) or answer.error.code != _QUOTA
            if is_over or not self._following:
                return answer
            await self._one_ended()

    async def _expand_all(self, api: Api, follow: Follow) -> None:
        while self._lists:
            item, history_id = self._lists.pop(0)
            try:
                listing = await lists.read(api, item, self.wanted.choice)
            except ApiError as error:
                self._fail(history_id, item.url, error.code, str(error))
            else:
                await self._expand(api, item, listing, history_id, follow)

    async def _expand(
        self, api: Api, item: Item, listing: Listing, history_id: int | None, follow: Follow
    ) -> None:
        """Submit what is wanted of a list, once that has been said."""
        is_agreed: bool | None = True
        if listing.is_several:
            self.board.show(_listed(item, listing, history_id))
            is_agreed = self.wanted.choice.is_made or await self.board.agrees(
                f"Download {len(listing.items)} videos?"
            )
        if is_agreed is False:
            self._fail(None, item.url, IS_PLAYLIST, "nothing of this list was downloaded")
            return
        await self._submit(api, listing.items, follow)
        if is_agreed is None and listing.is_truncated:
            message = f"only the first {listing.count} videos of this list were asked for"
            self._fail(None, item.url, IS_PLAYLIST, message)

    async def _find_list(self, api: Api, item: Item, history_id: int) -> None:
        """Take up as a list what a download has failed as."""
        self.unfinished.remove(history_id)
        self._lists.append((item, history_id))
        with suppress(ApiError):
            # The downloads of its videos take its place.
            await api.ask("DELETE", f"/user/history/{history_id}", Shown)

    async def _follow(self, api: Api, watch: Watch, download: Download, item: Item | None) -> None:
        history_id, url = download.history_id, download.url
        try:
            ended = await watch.ended(history_id)
            if item is not None and ended.error and _is_list(item, ended.error.code):
                await self._find_list(api, item, history_id)
                return
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


def _is_list(item: Item, code: str) -> bool:
    return code == IS_PLAYLIST and item.depth < MAX_DEPTH


def _listed(item: Item, listing: Listing, history_id: int | None) -> Listed:
    return Listed(
        history_id=history_id,
        url=item.url,
        title=listing.title,
        entries=listing.count,
        truncated=listing.is_truncated,
        wanted=len(listing.items),
        message=listing.text,
    )


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
