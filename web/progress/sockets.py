"""One open socket: when it ends."""

import asyncio
from collections.abc import Awaitable, Callable

from quart import Websocket

from storage.db import DatabaseError
from web.errands import end
from web.progress.lines import Line
from web.progress.listeners import Listener, spread

UNREAD_S = 20
"""A client that takes nothing for so long is let go at the next check."""

CHECK_EVERY_S = 10
"""How often the token is looked at again; when it is known to have ended, at once."""

MAX_MISSED_CHECKS = 2
MAX_MESSAGES_A_MINUTE = 30
POLICY = 1008
SLOW = 1008
TRY_AGAIN = 1013
UNAUTHORIZED = 4401
GONE = (OSError, RuntimeError)
"""What the server raises for a message to a client that is gone or being closed."""


class SocketClosedError(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket:
    """Two loops over one connection: one reads, one checks; its audience tells."""

    def __init__(
        self,
        socket: Websocket,
        line: Line,
        listener: Listener,
        *,
        still_known: Callable[[], Awaitable[bool]],
    ) -> None:
        self._socket = socket
        self._line = line
        self._listener = listener
        self._still_known = still_known

    async def run(self) -> None:
        """Run the loops until one of them ends it.

        Raises:
            SocketClosedError: It is to be closed.
            DatabaseError: The database was away for several checks.
        """
        # Not a TaskGroup: it cancels once, and waits for ever if a library swallows that.
        loops = [asyncio.create_task(loop()) for loop in (self.read, self.check)]
        try:
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(loops)
        for loop in ended:
            loop.result()

    async def read(self) -> None:
        """Take what the client sends; it has nothing to say, so chatter ends the socket.

        Raises:
            SocketClosedError: It said too much within a minute.
        """
        loop = asyncio.get_running_loop()
        until, count = loop.time() + 60, 0
        while True:
            await self._socket.receive()
            if loop.time() > until:
                until, count = loop.time() + 60, 0
            count += 1
            if count > MAX_MESSAGES_A_MINUTE:
                raise SocketClosedError(POLICY, "too many messages")

    async def check(self) -> None:
        """Look again and again whether the socket may stay; if doubted, at once.

        Raises:
            SocketClosedError: The token has ended, the client does not read, or could not be told.
            DatabaseError: The database was away for several checks.
        """
        missed = 0
        while True:
            await self._listener.doubted(spread(CHECK_EVERY_S))
            if self._listener.is_failed:
                raise SocketClosedError(TRY_AGAIN, "try again later")
            if self._line.full_s > UNREAD_S:
                raise SocketClosedError(SLOW, "reads too slowly")
            try:
                if not await self._still_known():
                    raise SocketClosedError(UNAUTHORIZED, "token")
                missed = 0
            except DatabaseError:
                missed += 1
                if missed > MAX_MISSED_CHECKS:
                    raise
