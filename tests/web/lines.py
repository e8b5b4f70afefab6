"""A connection whose other end does what a test says, and rows for what it is told."""

import json
from collections.abc import Callable
from typing import Any, cast

from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol


class Line:
    """A client that takes every message, or none."""

    def __init__(self) -> None:
        self.takes = True
        self.full_s = 0.0
        self.heard: list[dict[str, Any]] = []
        self.on_writable: Callable[[], None] | None = None

    def tell(self, frame: bytes) -> bool:
        """Take a frame, as a client of the protocol reads it."""
        if self.takes:
            client = Protocol(CLIENT, state=OPEN)
            client.receive_data(frame)
            (event,) = client.events_received()
            assert isinstance(event, Frame)
            assert event.opcode is Opcode.TEXT
            self.heard.append(cast("dict[str, Any]", json.loads(bytes(event.data))))
        return self.takes

    def take_again(self) -> None:
        """Let the client take messages again."""
        self.takes = True
        if self.on_writable is not None:
            self.on_writable()

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.heard]


class Rows:
    """The rows of one user, all of them running."""

    def __init__(self, *history_ids: int) -> None:
        self.rows = {
            history_id: {
                "history_id": history_id,
                "url": "u",
                "title": None,
                "mode": "archive",
                "status": 5,
                "stage": "fetch",
                "attempts": 1,
                "hidden_at": None,
            }
            for history_id in history_ids
        }

    async def watched(self, _: int, _named: list[int]) -> list[dict[str, Any]]:
        return list(self.rows.values())

    async def of_user(self, history_id: int, _: int) -> dict[str, Any] | None:
        return self.rows.get(history_id)


class Waits:
    """Nothing waits."""

    async def of(self, _: object) -> dict[int, Any]:
        return {}
