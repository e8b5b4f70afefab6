"""What the tests of the socket do again and again."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from domain.download import Progress
from domain.events import ProgressEvent, StateEvent
from domain.states import Stage, Status
from tests.support.waiting import PATIENCE_S
from tests.web.conftest import Member, Site


@contextlib.asynccontextmanager
async def socket_of(
    site: Site, token: str, *, origin: str | None = None
) -> AsyncGenerator[ClientConnection]:
    async with connect(
        site.socket_url,
        subprotocols=[Subprotocol("bearer"), Subprotocol(token)],
        origin=None if origin is None else Origin(origin),
        ping_interval=None,
    ) as line:
        yield line


async def heard(line: ClientConnection, within_s: float = PATIENCE_S) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(await asyncio.wait_for(line.recv(), within_s)))


async def close_code(line: ClientConnection, within_s: float = PATIENCE_S) -> int | None:
    with pytest.raises(websockets.ConnectionClosed):
        await asyncio.wait_for(_drain(line), within_s)
    return line.close_code


async def _drain(line: ClientConnection) -> None:
    while True:
        await line.recv()


def state(member: Member, history_id: int, status: Status, attempt: int = 1) -> StateEvent:
    return StateEvent(
        history_id=history_id,
        user_id=member.user_id,
        status=status,
        stage=Stage.FETCH,
        attempt=attempt,
    )


def fetched(member: Member, history_id: int, percent: float) -> ProgressEvent:
    return ProgressEvent(
        history_id=history_id,
        user_id=member.user_id,
        stage=Stage.FETCH,
        attempt=1,
        progress=Progress(downloaded_bytes=int(percent), percent=percent),
    )
