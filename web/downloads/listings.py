"""Listings: the videos that a batch is made of, given or named by a playlist."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from domain.failures import DownloadError, FailureCode
from domain.findings import Entry, address_key
from domain.requests import Wish, check_url
from web.downloads.batch_shapes import BatchAsked, VideoWished, WishRefused
from web.front import front
from web.parse.looks import found_at
from web.problems import InvalidError, ProblemError
from web.shapes import FailureShown


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Videos in their order.

    Attributes:
        videos: Their addresses are not judged yet.
        is_cut: Whether the playlist has more.
    """

    videos: Sequence[VideoWished]
    is_cut: bool = False


async def listing_of(asked: BatchAsked, user_id: int) -> Listing:
    """Return what a batch is asked of; a playlist is looked at, as by a parse.

    Raises:
        DownloadError: No download may start from the playlist's address.
        ProblemError: 422 too many addresses, or what the site says; 429 or 503 try again later.
    """
    most = front().settings.downloads.max_playlist_entries
    if asked.playlist_url is not None:
        return await _named_at(asked.playlist_url, user_id, most)
    videos = [VideoWished(url=one) if isinstance(one, str) else one for one in asked.urls or []]
    if len(videos) > most:
        raise InvalidError(422, "The batch is too long.", ("urls", f"must be {most} at most"))
    return Listing(videos=videos)


async def judged_all(asked: BatchAsked, listing: Listing) -> list[Wish | WishRefused]:
    """Return what is wished of each video, or why it is not downloaded."""
    items = [_judged(asked, video) for video in listing.videos]
    lists = await front().submits.known_lists([one for one in items if isinstance(one, Wish)])
    return [
        _refused_for_good(video, lists[item.url])
        if isinstance(item, Wish) and item.entry is None and item.url in lists
        else item
        for video, item in zip(listing.videos, items, strict=True)
    ]


def _judged(asked: BatchAsked, video: VideoWished) -> Wish | WishRefused:
    """Return what is wished of a video, or why no download may start from its address."""
    try:
        front().services.address_policy.check_url(check_url(video.url))
    except DownloadError as error:
        return _refused_for_good(video, error)
    return replace(asked.wish(video.url), entry=video.selector, title=video.title or None)


def refused(video: VideoWished, failure: FailureShown) -> WishRefused:
    """Return a video that is not downloaded, and why."""
    return WishRefused(url=video.url, entry=video.entry, error=failure)


def _refused_for_good(video: VideoWished, error: DownloadError) -> WishRefused:
    failure = FailureShown(code=error.code.value, message=str(error), retryable=False)
    return refused(video, failure)


async def _named_at(url: str, user_id: int, most: int) -> Listing:
    found = await found_at(url, user_id)
    if found.entries is None:
        return Listing(videos=[VideoWished(url=url)])
    by_key: dict[Hashable, Entry] = {}
    for entry in found.entries:
        # A video that is named twice is fetched once.
        by_key.setdefault((address_key(entry.url), entry.entry), entry)
    named = [VideoWished.model_validate(one, from_attributes=True) for one in by_key.values()]
    if not named:
        detail = "This playlist names no video that can be downloaded."
        raise ProblemError(422, FailureCode.UNSUPPORTED_SITE, detail)
    return Listing(videos=named[:most], is_cut=found.is_cut or len(named) > most)
