"""Transfers: the body of one answer on its way, paced, watched and counted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from storage.assets import KeptAsset
from storage.deliveries import Outcome
from web.delivery.admission import RefusedError
from web.delivery.pacing import Pace, Patience
from web.front import front
from web.transport.exchanges import exchange
from web.transport.outlets import Outlet


class Transfer:
    """Sends the parts of a body in turn; each call raises CutError if it cannot go on."""

    def __init__(self, outlet: Outlet, pace: Pace, patience: Patience) -> None:
        self._outlet = outlet
        self._pace = pace
        self._patience = patience

    async def send_file(self, descriptor: int, offset: int, count: int) -> None:
        """Send a part of a file."""
        end = offset + count
        while offset < end:
            share = min(self._pace.share_bytes, end - offset)
            await self._pace.wait(share)
            await self._send_share(descriptor, offset, share)
            offset += share

    async def send(self, piece: bytes) -> None:
        """Send bytes that are in memory already."""
        for start in range(0, len(piece), self._pace.share_bytes):
            share = piece[start : start + self._pace.share_bytes]
            await self._pace.wait(len(share))
            if not await self._watched(lambda share=share: self._outlet.send(share)):
                # What was not taken in time stands in the connection's buffer.
                while not await self._watched(self._outlet.drain):
                    pass

    async def _send_share(self, descriptor: int, offset: int, count: int) -> None:
        start = self._outlet.sent_bytes
        while (sent := self._outlet.sent_bytes - start) < count:
            await self._watched(
                lambda sent=sent: self._outlet.send_file(descriptor, offset + sent, count - sent)
            )

    async def _watched(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Take a step for as long as the client's patience allows; return whether it was done."""
        outlet, start = self._outlet, monotonic()
        before, disk_s, is_done = outlet.acked_bytes, outlet.disk_s, False
        try:
            async with asyncio.timeout(self._patience.left_s):
                await step()
                is_done = True
        except TimeoutError:
            pass
        waited_s = monotonic() - start - (outlet.disk_s - disk_s)
        self._patience.note(waited_s, outlet.acked_bytes - before)
        return is_done


async def begin(user_id: int, content: str) -> None:
    """Take a slot for this answer, given back when it has ended.

    Args:
        content: What is sent; several answers to one user with the same share a slot.

    Raises:
        RefusedError: None became free within a second.
    """
    desk = front().desk
    try:
        stream = await desk.admission.enter(user_id, content)
    except RefusedError as error:
        desk.tallies.count(error.outcome)
        raise
    exchange().exits.push_async_callback(desk.admission.leave, stream)


def send_by(user_id: int, send: Callable[[Transfer], Awaitable[None]]) -> None:
    """Let the body of this answer be sent so, once its head has gone out."""
    pace, delivery = front().desk.pacing.of(user_id), front().settings.delivery

    async def body(outlet: Outlet) -> None:
        patience = Patience(delivery.min_bytes_per_s, delivery.patience_s)
        await send(Transfer(outlet, pace, patience))

    exchange().body = body


def count_at_the_end(assets: Sequence[KeptAsset], length: int) -> None:
    """Count what was sent of these files when this answer has ended.

    Args:
        length: Of the whole body; less than that, and the client has left.
    """
    seen, tallies = exchange(), front().desk.tallies

    def count() -> None:
        left, sent = seen.sent_bytes, list[tuple[int, int]]()
        for asset in assets:
            share = min(left, asset.digest.size_bytes)
            left -= share
            sent.append((asset.history_id, share))
        whole = Outcome.SENT if seen.sent_bytes == length else Outcome.CLIENT_GONE
        tallies.count(seen.cut or whole, sent)

    seen.exits.callback(count)
