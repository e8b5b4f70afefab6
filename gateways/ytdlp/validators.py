"""What keeps a resumed transfer whole: the rest of a file is taken only of that same file.

yt-dlp goes on after a broken connection with a bare ``Range``, so a file that changed in between
becomes the head of one and the tail of another, of the right size. Source: reliability M11.
"""

from collections.abc import Mapping

from domain.failures import CorruptError

_PARTIAL_CONTENT = 206


class Validators:
    """For each address of one fetch, what the site's first answer said of the file there."""

    def __init__(self) -> None:
        self._seen: dict[str, str | None] = {}
        self._whole: set[str] = set()

    def condition(self, url: str, headers: Mapping[str, str]) -> Mapping[str, str | None]:
        """Return what to change in the headers of a request; None takes one away.

        The rest of a file is asked for under the condition that it is still the same, or not at
        all if nothing could prove it: the answer is then the whole file, and yt-dlp begins again.
        A range that is no rest, a fragment that a playlist describes so, stays as it is.
        """
        if not _header(headers, "Range") or url not in self._seen:
            return {}
        validator = self._seen[url]
        if validator is not None:
            return {"If-Range": validator}
        return {"Range": None} if url in self._whole else {}

    def judge(self, url: str, status: int, headers: Mapping[str, str]) -> None:
        """Remember an answer, or compare it with the first one of that address.

        Raises:
            CorruptError: A part came, and it is of another file than the first.
        """
        validator = _validator(headers)
        if status == _PARTIAL_CONTENT and self._seen.get(url, validator) != validator:
            raise CorruptError
        self._seen[url] = validator
        if status != _PARTIAL_CONTENT:
            self._whole.add(url)


def _validator(headers: Mapping[str, str]) -> str | None:
    """Return the strong ETag or else the date, or None if neither can prove anything."""
    etag = _header(headers, "ETag")
    if etag and not etag.startswith("W/"):
        return etag
    return None if etag else _header(headers, "Last-Modified")


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((headers[key] for key in headers if key.lower() == name.lower()), None)
