"""The submission: addresses in, downloads out, whatever becomes of single ones."""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from domain.requests import Container, Live, Quality
from domain.states import Mode
from vasset.client.api import Api, ApiError
from vasset.client.shapes import Download, Failure, Refused, Submitted

MAX_GROUP = 100
_MAX_GROUP_BYTES = 32_768
"""Half of the largest body: the rest is room for quotes and escapes."""

_MAX_TITLE = 200

_NOT_AS_IT_IS = (400, 413, 414, 422)
"""Statuses that are about this very request: another one may be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """In which form every file is wanted.

    Attributes:
        live: What becomes of a stream that is on air; None to have it refused.
    """

    mode: Mode
    quality: Quality
    container: Container | None = None
    bitrate_kbps: int | None = None
    format_id: str | None = None
    live: Live | None = None

    @property
    def body(self) -> dict[str, object]:
        """Return the fields of a request; without those that an older server does not know."""
        wished = {
            "container": self.container,
            "audio_bitrate_kbps": self.bitrate_kbps,
            "format_id": self.format_id,
            "live": self.live,
        }
        given = {name: value for name, value in wished.items() if value is not None}
        return {"mode": self.mode, "quality": self.quality, **given}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One video that is wanted.

    Attributes:
        entry: Which of several at the address, as the server named it; None if it names no list.
        title: What its list calls it.
        depth: Lists that led to it.
    """

    url: str
    entry: str | Mapping[str, int | str] | None = None
    title: str | None = None
    depth: int = 0

    @property
    def body(self) -> dict[str, object]:
        """Return the fields of a request."""
        title = self.title and self.title[:_MAX_TITLE]
        whole: dict[str, object] = {"url": self.url, "entry": self.entry, "title": title}
        return {name: told for name, told in whole.items() if told}


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


async def submit(
    api: Api, items: Sequence[Item], form: Form
) -> AsyncGenerator[tuple[Item, Download | Refused]]:
    """Yield what became of each video, in the order given and as soon as the server says it.

    A refusal that is not about the request itself holds for the rest too, which is not asked: each
    group would be as patient anew.
    """
    rest, most = items, MAX_GROUP
    while rest:
        group = _first_group(rest, most)
        try:
            answers = await _submit_group(api, group, form)
        except ApiError as error:
            is_of_it = error.status in _NOT_AS_IT_IS
            if is_of_it and len(group) > 1:
                # A smaller batch may be what this server takes, so the next ones are too.
                most = len(group) // 2
                continue
            group = group if is_of_it else rest
            answers = [_refused(item, error) for item in group]
        for pair in zip(group, answers, strict=False):
            yield pair
        rest = rest[len(group) :]


async def submit_one(api: Api, item: Item, form: Form) -> Download | Refused:
    """Return what became of a video; a full quota is waited for as long as the server says."""
    try:
        return await _submit_alone(api, item, form)
    except ApiError as error:
        return _refused(item, error)


async def _submit_alone(api: Api, item: Item, form: Form) -> Download:
    body = {**item.body, **form.body}
    return await api.ask("POST", "/download", Download, body=body, key=uuid4().hex)


async def _submit_group(
    api: Api, items: Sequence[Item], form: Form
) -> Sequence[Download | Refused]:
    if len(items) == 1:
        return [await _submit_alone(api, items[0], form)]
    # An address alone is all that an older server knows.
    wanted = [item.url if len(item.body) == 1 else item.body for item in items]
    body = {"urls": wanted, **form.body}
    answer = await api.ask("POST", "/download/batch", Submitted, body=body, key=uuid4().hex)
    return answer.downloads


def _first_group(items: Sequence[Item], most: int) -> Sequence[Item]:
    """Return as many of the first videos as fit into one request, at least one."""
    size_bytes = 0
    for count, item in enumerate(items[:most]):
        told = item.url if len(item.body) == 1 else json.dumps(item.body, ensure_ascii=False)
        size_bytes += len(told.encode(errors="replace"))
        if count and size_bytes > _MAX_GROUP_BYTES:
            return items[:count]
    return items[:most]


def _refused(item: Item, error: ApiError) -> Refused:
    return Refused(url=item.url, error=Failure(code=error.code, message=str(error)))
