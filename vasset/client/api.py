"""The API of a server, asked with patience: what is away for a moment is asked again."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from vasset.client.events import Waiting, printable
from vasset.client.shapes import Failure, Shown
from vasset.faults import CommandError

PREFIX = "/api/v1"
PATIENCE_S = 300.0
"""For so long a server that has answered before may be away, or ask to be left alone."""

_LONGEST_PAUSE_S = 10.0
_TIMEOUT = httpx.Timeout(30, connect=10)
AGAIN = (429, 502, 503, 504)
"""Statuses after which the same question may be answered later."""

Shape = TypeVar("Shape", bound=Shown)


class ApiError(CommandError):
    """The server refused, or cannot be reached.

    Attributes:
        status: 0 if there was no answer.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(printable(detail))
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server, and what opens it.

    Attributes:
        url: Without a slash at its end.
        credential: Returns what to send as Bearer now; empty for nothing.
        is_local: It runs on this machine, beside us.
    """

    url: str
    credential: Callable[[], str]
    is_local: bool = False

    @property
    def is_loopback(self) -> bool:
        """Return whether nobody on the way can listen."""
        return (urlsplit(self.url).hostname or "") in ("localhost", "127.0.0.1", "::1")


class Patience:
    """How long something is asked for again and again."""

    def __init__(self, total_s: float, tell: Callable[[Waiting], None]) -> None:
        self._left_s = self._total_s = total_s
        self._pause_s = 0.5
        self._tell = tell

    def renew(self) -> None:
        """Begin from the start: it went on meanwhile."""
        self._left_s, self._pause_s = self._total_s, 0.5

    async def wait(self, error: ApiError, retry_after: str | None = None) -> None:
        """Pause, as long as the server asked for or a little longer each time.

        Raises:
            ApiError: As given; it would take too long.
        """
        pause_s = self._pause_s
        if retry_after is not None and retry_after.isdecimal():
            pause_s = max(float(retry_after[:9]), pause_s)
        if pause_s > self._left_s:
            raise error
        self._left_s -= pause_s
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        self._tell(Waiting(message=str(error), seconds=pause_s))
        await asyncio.sleep(pause_s)


class Api:
    """One server; every question carries the credential, none is sent on to another host."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        place: Place,
        tell: Callable[[Waiting], None],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.http = http
        self.place = place
        self._tell = tell
        self._patience_s = patience_s
        self._has_answered = False

    def patience(self) -> Patience:
        """Return fresh patience."""
        return Patience(self._patience_s, self._tell)

    def headers(self) -> dict[str, str]:
        """Return what opens the server."""
        credential = self.place.credential()
        return {"Authorization": f"Bearer {credential}"} if credential else {}

    def url(self, path: str) -> str:
        """Return the address of a route."""
        return f"{self.place.url}{PREFIX}{path}"

    async def ask(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Shape:
        """Return what the server answers.

        Args:
            key: Of idempotency: a question that is asked again makes nothing twice.

        Raises:
            ApiError: It refused, or was away for too long.
        """
        patience = self.patience()
        while True:
            try:
                answer = await self.http.request(
                    method,
                    self.url(path),
                    json=body,
                    params=query,
                    headers=self.headers() | ({} if key is None else {"Idempotency-Key": key}),
                )
            except httpx.RequestError as error:
                if not self._has_answered:
                    # Rather a wrong address than one that is away for a moment.
                    raise self.away(error) from error
                await patience.wait(self.away(error))
                continue
            self.note_answer()
            if answer.status_code in AGAIN:
                await patience.wait(refusal(answer), answer.headers.get("Retry-After"))
                continue
            return self._parsed(answer, shape)

    def note_answer(self) -> None:
        """From now on the server may be away for a while."""
        self._has_answered = True

    def away(self, error: httpx.RequestError) -> ApiError:
        """Return that the server does not answer, and why as far as it is known."""
        why = str(error) or type(error).__name__
        return ApiError(0, "unavailable", f"{self.place.url} does not answer: {why}")

    def _parsed(self, answer: httpx.Response, shape: type[Shape]) -> Shape:
        if answer.is_redirect:
            to = answer.headers.get("Location", "nowhere")
            raise ApiError(answer.status_code, "moved", f"{self.place.url} has moved to {to}")
        if not answer.is_success:
            raise refusal(answer)
        try:
            return shape.model_validate_json(answer.content or b"{}")
        except ValidationError:
            detail = f"{self.place.url} answers strangely: is it a V-Asset?"
            raise ApiError(answer.status_code, "internal", detail) from None


def refusal(answer: httpx.Response) -> ApiError:
    """Return an answer that is none as an error; its body has been read."""
    try:
        failure = Failure.model_validate_json(answer.content)
    except ValidationError:
        failure = Failure(detail=f"the server answered {answer.status_code}")
    detail = failure.text
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        detail = "the server does not know this login: `vasset login URL`"
    return ApiError(answer.status_code, failure.code, detail)


@asynccontextmanager
async def open_api(
    place: Place, tell: Callable[[Waiting], None], *, patience_s: float = PATIENCE_S
) -> AsyncGenerator[Api]:
    """Yield the API of a server, over connections that end with it.

    Certificates are always verified. Proxies of the environment are used, but not to ourselves.
    """
    async with httpx.AsyncClient(
        timeout=_TIMEOUT, trust_env=not place.is_loopback, verify=tls()
    ) as http:
        yield Api(http, place, tell, patience_s=patience_s)


def tls() -> ssl.SSLContext:
    """Return whom requests and socket believe: SSL_CERT_FILE, or else certifi's authorities."""
    return httpx.create_ssl_context()
