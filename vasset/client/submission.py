"""The submission: addresses in, downloads out, whatever becomes of single ones."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from domain.requests import Quality
from domain.states import Mode
from vasset.client.api import Api, ApiError
from vasset.client.shapes import Download, Failure, Refused, Submitted

MAX_GROUP = 100
_MAX_GROUP_BYTES = 32_768
"""Half of the largest body: the rest is room for quotes and escapes."""

_TOO_MUCH = (413, 422)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """In which form every file is wanted."""

    mode: Mode
    quality: Quality

    @property
    def body(self) -> dict[str, object]:
        """Return the fields of a request."""
        return {"mode": self.mode, "quality": self.quality}


def addresses(words: Sequence[str], lines: Iterator[str]) -> list[str]:
    """Return each address once, in the order given.

    Args:
        lines: Stand where a word is ``-``; blank ones and those that begin with # are left out.
    """
    found: list[str] = []
    for word in words:
        if word != "-":
            found.append(word.encode(errors="backslashreplace").decode())
            continue
        texts = (line.strip() for line in lines)
        found.extend(text for text in texts if text and not text.startswith("#"))
    return list(dict.fromkeys(found))


async def submit(api: Api, urls: Sequence[str], form: Form) -> AsyncGenerator[Download | Refused]:
    """Yield what became of each address, in the order given."""
    for group in _groups(urls):
        for item in await _submit_group(api, group, form):
            yield item


async def submit_one(api: Api, url: str, form: Form) -> Download | Refused:
    """Return what became of an address; a full quota is waited for as long as the server says."""
    body = {"url": url, **form.body}
    try:
        return await api.ask("POST", "/download", Download, body=body, key=uuid4().hex)
    except ApiError as error:
        return _refused(url, error)


async def _submit_group(api: Api, urls: Sequence[str], form: Form) -> Sequence[Download | Refused]:
    if len(urls) == 1:
        return [await submit_one(api, urls[0], form)]
    body = {"urls": urls, **form.body}
    try:
        answer = await api.ask("POST", "/download/batch", Submitted, body=body, key=uuid4().hex)
    except ApiError as error:
        if error.status not in _TOO_MUCH:
            return [_refused(url, error) for url in urls]
    else:
        return answer.downloads
    # A smaller batch may be what this server takes, or one of the addresses is no text at all.
    middle = len(urls) // 2
    first = await _submit_group(api, urls[:middle], form)
    return [*first, *await _submit_group(api, urls[middle:], form)]


def _groups(urls: Sequence[str]) -> Iterator[Sequence[str]]:
    group: list[str] = []
    size_bytes = 0
    for url in urls:
        more_bytes = len(url.encode(errors="replace"))
        if group and (len(group) == MAX_GROUP or size_bytes + more_bytes > _MAX_GROUP_BYTES):
            yield group
            group, size_bytes = [], 0
        group.append(url)
        size_bytes += more_bytes
    if group:
        yield group


def _refused(url: str, error: ApiError) -> Refused:
    return Refused(url=url, error=Failure(code=error.code, message=str(error)))
