import asyncio
from typing import Any, cast

import pytest
from quart import Websocket

from web import sockets
from web.outbox import Outbox
from web.sockets import Socket, SocketClosedError, Watch


class Line:
    """A connection whose other end takes nothing, or is gone."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault

    async def send(self, _: str) -> None:
        if self._fault is not None:
            raise self._fault
        await asyncio.Event().wait()


class Feed:
    async def seq(self, _: int) -> int:
        return 0

    async def latest(self, _: list[int]) -> dict[int, dict[str, Any]]:
        return {}


class Downloads:
    async def active_of_user(self, _: int) -> list[dict[str, Any]]:
        return []


def socket_over(line: Line) -> Socket:
    async def known() -> bool:
        return True

    watch = Watch(user_id=1, downloads=cast("Any", Downloads()), feed=cast("Any", Feed()))
    return Socket(cast("Websocket", line), watch, Outbox(), still_known=known)


async def test_a_client_that_never_reads_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SEND_TIMEOUT_S", 0.05)

    with pytest.raises(SocketClosedError) as closed:
        await asyncio.wait_for(socket_over(Line()).tell(), 2)

    assert closed.value.code == sockets.SLOW


@pytest.mark.parametrize("fault", [ConnectionResetError(), RuntimeError()], ids=repr)
async def test_a_client_that_is_gone_is_no_fault_of_ours(fault: Exception) -> None:
    with pytest.raises(SocketClosedError) as closed:
        await socket_over(Line(fault)).tell()

    assert closed.value.code == sockets.LEFT
