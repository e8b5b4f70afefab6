"""Listings: the addresses that a batch is made of, given or named by a playlist."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.failures import FailureCode
from domain.findings import address_key
from web.downloads.batch_shapes import BatchAsked
from web.front import front
from web.parse.looks import found_at
from web.problems import InvalidError, ProblemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Addresses in their order.

    Attributes:
        is_cut: Whether the playlist has more.
    """

    urls: Sequence[str]
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
    urls = asked.urls or []
    if len(urls) > most:
        raise InvalidError(422, "The batch is too long.", ("urls", f"must be {most} at most"))
    return Listing(urls=urls)


async def _named_at(url: str, user_id: int, most: int) -> Listing:
    found = await found_at(url, user_id)
    if found.entries is None:
        return Listing(urls=[url])
    by_key: dict[str, str] = {}
    for entry in found.entries:
        # A video that is named twice is fetched once.
        by_key.setdefault(address_key(entry.url), entry.url)
    named = list(by_key.values())
    if not named:
        detail = "This playlist names no video that can be downloaded."
        raise ProblemError(422, FailureCode.UNSUPPORTED_SITE, detail)
    return Listing(urls=named[:most], is_cut=found.is_cut or len(named) > most)
