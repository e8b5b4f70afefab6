"""What a local server was asked, and what became of each answer."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Request:
    """One request to a local server.

    Attributes:
        at: When its headers had been read.
        path: Decoded, without the query.
        query: The last value of each key.
        headers: By name in lower case.
        client: Address and port of the other end.
        status: Of the answer; 0 until it is begun.
        bytes_sent: Of the answer's body, so far.
        is_complete: Whether the whole answer was written.
        is_open: Whether the answer is still being given; a stalled one ends with its client.
    """

    at: datetime
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    client: tuple[str, int] = ("", 0)
    status: int = 0
    bytes_sent: int = 0
    is_complete: bool = False
    is_open: bool = True


class Journal:
    """Requests in the order in which they came, from all threads of a server."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    def open(self, request: Request) -> None:
        """Add a request; the server goes on to write down its progress."""
        with self._lock:
            self._requests.append(request)

    def read(self) -> tuple[Request, ...]:
        """Return copies as of now; the copies do not change any more."""
        with self._lock:
            return tuple(replace(request) for request in self._requests)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()
