"""A third party's proxy service on loopback, in all its moods."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from http import HTTPStatus
from itertools import cycle
from typing import Final

from tests.support.answers import Answer, Pace, text
from tests.support.content import Blob
from tests.support.journal import Request
from tests.support.server import LocalServer

_HUGE_BYTES: Final = 64 * 1024 * 1024
_RETRY_AFTER_S: Final = 1


class Mood(StrEnum):
    """How the provider answers a request for a proxy."""

    JSON = "json"  # {"proxy": "http://user:password@host:port"}
    TEXT = "text"  # the address and a line feed
    WRONG_JSON = "wrong_json"  # JSON of another shape
    BROKEN_JSON = "broken_json"  # JSON that ends in the middle
    WRONG_ADDRESS = "wrong_address"  # a "proxy" that is no address
    EMPTY = "empty"  # 200 without a body
    HTML = "html"  # a page, 200
    UNAUTHORIZED = "unauthorized"  # 401
    UNPAID = "unpaid"  # 402
    BUSY = "busy"  # 429 with Retry-After: 1
    FAULT = "fault"  # 500
    SLOW = "slow"  # right, after `delay_s`
    DRIP = "drip"  # right, one byte a second
    REDIRECT = "redirect"  # 302 to another path, which answers right
    HUGE = "huge"  # right, then 64 MiB of spaces
    CUT = "cut"  # the connection ends after half of the body


class Provider(LocalServer):
    """The service: ``GET /proxy`` rents, ``DELETE`` of any path or ``POST /release`` gives back.

    The key is taken from ``Authorization: Bearer``, ``X-Api-Key`` or ``?key=``.

    Args:
        proxies: What it rents out, in turns.

    Attributes:
        mood: How it answers from now on.
        delay_s: The wait of the mood SLOW.
    """

    def __init__(self, proxies: Iterable[str], key: str = "test-key") -> None:
        super().__init__()
        self.key = key
        self.mood = Mood.JSON
        self.delay_s = 1.0
        self._script: deque[Mood] = deque()
        self._proxies = cycle(tuple(proxies))
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """The address that rents a proxy, without the key."""
        return self.url("/proxy")

    def script(self, *moods: Mood) -> None:
        """Set the moods of the next answers; after them ``mood`` holds again."""
        with self._lock:
            self._script = deque(moods)

    @property
    def acquisitions(self) -> tuple[Request, ...]:
        """The requests for a proxy, refused ones too."""
        return tuple(request for request in self.journal if not _is_release(request))

    @property
    def releases(self) -> tuple[Request, ...]:
        """The requests that gave a proxy back."""
        return tuple(request for request in self.journal if _is_release(request))

    def answer(self, request: Request) -> Answer:
        """Return the proxy, or whatever the mood makes of it."""
        if _offered_key(request) != self.key:
            return _json('{"error": "bad key"}', status=HTTPStatus.UNAUTHORIZED)
        if _is_release(request):
            return Answer(status=HTTPStatus.NO_CONTENT)
        with self._lock:
            mood = self._script.popleft() if self._script else self.mood
            proxy = next(self._proxies)
        if request.path == "/moved":
            mood = Mood.JSON
        return self._in_mood(mood, proxy)

    def _in_mood(self, mood: Mood, proxy: str) -> Answer:
        if mood in _WITHOUT_PROXY:
            return _WITHOUT_PROXY[mood]
        right = json.dumps({"proxy": proxy})
        answer = _json(right)
        twisted: dict[Mood, Callable[[], Answer]] = {
            Mood.TEXT: lambda: text(f"{proxy}\n"),
            Mood.BROKEN_JSON: lambda: _json(right[: len(right) // 2]),
            Mood.WRONG_JSON: lambda: text(
                json.dumps([{"ip": proxy}]), media_type="application/json"
            ),
            Mood.SLOW: lambda: replace(answer, pace=Pace(delay_s=self.delay_s)),
            Mood.DRIP: lambda: replace(answer, pace=Pace(bytes_per_s=1)),
            Mood.HUGE: lambda: replace(answer, content=Blob(right.encode() + b" " * _HUGE_BYTES)),
            Mood.CUT: lambda: replace(answer, pace=Pace(cut_after=len(right) // 2)),
        }
        return twisted[mood]() if mood in twisted else answer


def _json(body: str, status: int = HTTPStatus.OK) -> Answer:
    return text(body, status=status, media_type="application/json")


_WITHOUT_PROXY: Final = {
    Mood.WRONG_ADDRESS: _json('{"proxy": "not an address"}'),
    Mood.EMPTY: text(""),
    Mood.HTML: text("<!doctype html><title>Sign in</title>", media_type="text/html"),
    Mood.UNAUTHORIZED: _json('{"error": "bad key"}', status=HTTPStatus.UNAUTHORIZED),
    Mood.UNPAID: _json('{"error": "no balance"}', status=HTTPStatus.PAYMENT_REQUIRED),
    Mood.BUSY: replace(
        _json('{"error": "slow down"}', status=HTTPStatus.TOO_MANY_REQUESTS),
        headers={"Retry-After": str(_RETRY_AFTER_S)},
    ),
    Mood.FAULT: text("oops", status=HTTPStatus.INTERNAL_SERVER_ERROR),
    Mood.REDIRECT: Answer(status=HTTPStatus.FOUND, headers={"Location": "/moved"}),
}


def _is_release(request: Request) -> bool:
    return request.method == "DELETE" or (request.method, request.path) == ("POST", "/release")


def _offered_key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.headers.get("x-api-key") or request.query.get("key", "")
