"""Bandwidth, how it is shared, and readers that are too slow."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from storage.deliveries import Outcome
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Serve
from tests.web.delivery.conftest import LARGE, Reader, path_of, reading
from web.delivery.pacing import Patience
from web.transport.pumps import CutError


def test_who_takes_too_little_in_a_whole_window_is_cut() -> None:
    patience = Patience(100, 10)
    patience.note(9, 999)

    with pytest.raises(CutError) as cut:
        patience.note(1, 0)

    assert cut.value.outcome is Outcome.TOO_SLOW


def test_who_takes_enough_gets_a_new_window() -> None:
    patience = Patience(100, 10)

    patience.note(10, 1_000)
    patience.note(9.9, 0)

    assert 0 < patience.left_s < 0.2


@asynccontextmanager
async def limited(serve: Serve, postgres: Postgres, **delivery: object) -> AsyncGenerator[Reader]:
    async with serve(delivery=delivery) as site, reading(site, postgres) as reader:
        yield reader


class Counting:
    """Readers that take all they get, counted from the moment at which each has begun."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    async def take(self, reader: Reader, history_id: int) -> None:
        place = len(self.taken)
        self.taken.append(0)
        async with reader.http.stream("GET", path_of(history_id)) as answer:
            async for piece in answer.aiter_raw():
                self.taken[place] += len(piece)


async def shares_of(takers: list[tuple[Reader, int]], total_bytes: int) -> tuple[list[int], float]:
    """Return what each takes while all together take so much, and how many seconds that lasts."""
    counting = Counting()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(counting.take(reader, number)) for reader, number in takers]
        await eventually(lambda: len(counting.taken) == len(takers) and all(counting.taken))
        before, begun = list(counting.taken), time.monotonic()
        await eventually(lambda: sum(counting.taken) - sum(before) >= total_bytes, timeout_s=60)
        after, took = list(counting.taken), time.monotonic() - begun
        for task in tasks:
            task.cancel()
    return [late - early for early, late in zip(before, after, strict=True)], took


RATE = 3_000_000
SHARE = RATE // 16


async def test_streams_get_equal_shares_of_what_the_node_may_send(
    serve: Serve, postgres: Postgres
) -> None:
    """The shares are compared in bytes; of the clock only that it was not faster."""
    async with (
        limited(serve, postgres, total_bytes_per_s=RATE) as one,
        reading(one.site, postgres) as other,
    ):
        takers = [(one, await one.file(LARGE)) for _ in range(2)]
        takers.append((other, await other.file(LARGE)))

        shares, took = await shares_of(takers, 3 * RATE)

    assert max(shares) - min(shares) <= 2 * SHARE
    # A quarter of a second may have been saved up, and every stream may have a share under way.
    assert sum(shares) <= 1.05 * RATE * (took + 0.25) + 3 * SHARE


async def test_the_limit_of_a_user_is_for_all_of_their_streams_and_for_theirs_alone(
    serve: Serve, postgres: Postgres
) -> None:
    async with (
        limited(serve, postgres, per_user_bytes_per_s=RATE) as one,
        reading(one.site, postgres) as other,
    ):
        takers = [(one, await one.file(LARGE)) for _ in range(2)]
        takers.append((other, await other.file(LARGE)))

        (first, second, theirs), took = await shares_of(takers, 4 * RATE)

    assert first + second <= 1.05 * RATE * (took + 0.25) + 2 * SHARE
    assert abs(theirs - first - second) <= 0.1 * theirs + 3 * SHARE


async def test_a_reader_below_the_least_rate_is_cut_and_a_faster_one_is_not(
    serve: Serve, postgres: Postgres
) -> None:
    limits = {"min_bytes_per_s": 20_000, "patience_s": 3}
    async with limited(serve, postgres, **limits) as reader:
        slow, fast = await reader.file(LARGE), await reader.file(LARGE)
        async with (
            reader.http.stream("GET", path_of(fast)) as faster,
            reader.stalled(path_of(slow)) as connection,
        ):
            connection.setblocking(False)  # noqa: FBT003 - the library's own form
            pieces, loop = faster.aiter_raw(), asyncio.get_running_loop()
            await eventually(lambda: reader.active == 2)
            while reader.active == 2:
                # Ten times a second, one byte here and about sixty thousand there.
                await asyncio.sleep(0.1)
                await loop.sock_recv(connection, 1)
                await anext(pieces)
            await anext(pieces)
        await eventually(lambda: reader.active == 0)
        counted = await eventually(lambda: outcomes_of(reader))

    assert counted == {"too_slow": 1, "client_gone": 1}


async def outcomes_of(reader: Reader) -> dict[str, int] | None:
    rows = await reader.site.front.services.deliveries.totals()
    counted = {row["outcome"]: row["number"] for row in rows}
    return counted if sum(counted.values()) == 2 else None


@pytest.mark.parametrize("what", ["file", "archive"])
async def test_a_reader_that_takes_nothing_loses_its_slot(
    serve: Serve, postgres: Postgres, what: str
) -> None:
    async with limited(serve, postgres, patience_s=1) as reader:
        history_id = await reader.file(LARGE)
        path = {"file": path_of(history_id), "archive": f"/download/archive?ids={history_id}"}

        async with reader.stalled(path[what]) as connection:
            await eventually(lambda: reader.active == 1)
            await eventually(lambda: reader.active == 0, timeout_s=60)
            connection.settimeout(30)
            received = await asyncio.to_thread(drained, connection)

    assert received < len(LARGE)


def drained(connection: socket.socket) -> int:
    """Return how many bytes come until the connection ends."""
    read = 0
    try:
        while piece := connection.recv(1 << 20):
            read += len(piece)
    except ConnectionError:
        pass
    return read


async def test_waiting_for_its_own_limit_is_never_held_against_a_client(
    serve: Serve, postgres: Postgres
) -> None:
    limits = {"per_user_bytes_per_s": 50_000, "min_bytes_per_s": 1_000_000, "patience_s": 1}
    async with limited(serve, postgres, **limits) as reader:
        # Nor does Quart's own limit, a minute by default, cut a body off.
        reader.site.app.config["RESPONSE_TIMEOUT"] = 1
        content = LARGE[:150_000]
        history_id = await reader.file(content)

        answer = await reader.http.get(path_of(history_id))

    assert answer.content == content
