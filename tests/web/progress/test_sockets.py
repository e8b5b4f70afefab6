import asyncio
from typing import Any, cast

import pytest

from tests.web.lines import Line
from web.progress import sockets
from web.progress.listeners import Listener
from web.progress.sockets import Socket, SocketClosedError


def socket_over(line: Line, listener: Listener) -> Socket:
    async def known() -> bool:
        return True

    return Socket(cast("Any", None), cast("Any", line), listener, still_known=known)


async def test_a_client_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CHECK_EVERY_S", 0.01)
    line = Line()
    line.full_s = sockets.UNREAD_S + 1

    with pytest.raises(SocketClosedError) as closed:
        await asyncio.wait_for(socket_over(line, Listener(line)).check(), 30)

    assert closed.value.code == sockets.SLOW


async def test_one_that_could_not_be_told_may_try_again() -> None:
    line = Line()
    listener = Listener(line)

    listener.fail()

    with pytest.raises(SocketClosedError) as closed:
        await asyncio.wait_for(socket_over(line, listener).check(), 30)
    assert closed.value.code == sockets.TRY_AGAIN
