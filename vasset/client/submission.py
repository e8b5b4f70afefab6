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

_NOT_AS_IT_IS = (400, 413, 414, 422)
"""Statuses that are about this very request: another one may be taken."""


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
    """Yield what became of each address, in the order given and as soon as the server says it.

    A refusal that is not about the request itself holds for the rest too, which is not asked: each
    group would be as patient anew.
    """
    rest, most = urls, MAX_GROUP
    while rest:
        group = _first_group(rest, most)
        try:
            items = await _submit_group(api, group, form)
        except ApiError as error:
            is_of_it = error.status in _NOT_AS_IT_IS
            if is_of_it and len(group) > 1:
                # A smaller batch may be what this server takes, so the next ones are too.
                most = len(group) // 2
                continue
            group = group if is_of_it else rest
            items = [_refused(url, error) for url in group]
        for item in items:
            yield item
        rest = rest[len(group) :]


async def submit_one(api: Api, url: str, form: Form) -> Download | Refused:
    """Return what became of an address; a full quota is waited for as long as the server says."""
    try:
        return await _submit_alone(api, url, form)
    except ApiError as error:
        return _refused(url, error)


async def _submit_alone(api: Api, url: str, form: Form) -> Download:
    body = {"url": url, **form.body}
    return await api.ask("POST", "/download", Download, body=body, key=uuid4().hex)


async def _submit_group(api: Api, urls: Sequence[str], form: Form) -> Sequence[Download | Refused]:
    if len(urls) == 1:
        return [await _submit_alone(api, urls[0], form)]
    body = {"urls": urls, **form.body}
    answer = await api.ask("POST", "/download/batch", Submitted, body=body, key=uuid4().hex)
    return answer.downloads


def _first_group(urls: Sequence[str], most: int) -> Sequence[str]:
    """Return as many of the first addresses as fit into one request, at least one."""
    size_bytes = 0
    for count, url in enumerate(urls[:most]):
        size_bytes += len(url.encode(errors="replace"))
        if count and size_bytes > _MAX_GROUP_BYTES:
            return urls[:count]
    return urls[:most]


def _refused(url: str, error: ApiError) -> Refused:
    return Refused(url=url, error=Failure(code=error.code, message=str(error)))
