"""What was delivered: by user and file, by outcome, in the log."""

import asyncio
from contextlib import AsyncExitStack

from tests.support.waiting import eventually
from tests.web.delivery.conftest import CONTENT, LARGE, Reader, path_of
from tests.web.delivery.test_ends import received


async def delivered(reader: Reader, transfers: int) -> dict[int, tuple[int, int]]:
    """Return transfers and bytes of each file of the user, once so many were counted."""

    async def probe() -> dict[int, tuple[int, int]] | None:
        rows = await reader.site.front.services.deliveries.of_user(reader.member.user_id, 10)
        counted = {row["history_id"]: (row["transfers"], row["bytes"]) for row in rows}
        return counted if sum(number for number, _ in counted.values()) >= transfers else None

    return await eventually(probe)


async def test_each_file_knows_how_often_and_how_much_of_it_was_sent(direct: Reader) -> None:
    one, other = await direct.file(), await direct.file()

    await direct.http.get(path_of(one))
    await direct.http.get(path_of(one), headers={"Range": "bytes=0-99"})
    await direct.http.head(path_of(one))
    archive = await direct.http.get(f"/download/archive?ids={one},{other}")

    # Of an archive each file is counted with its own bytes; the wrapping belongs to none.
    assert len(archive.content) > 2 * len(CONTENT)
    assert await delivered(direct, 4) == {
        one: (3, 2 * len(CONTENT) + 100),
        other: (1, len(CONTENT)),
    }


async def test_a_transfer_that_breaks_off_counts_for_what_was_sent(direct: Reader) -> None:
    history_id = await direct.file(LARGE)
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(direct.stalled(path_of(history_id)))
        await asyncio.to_thread(received, connection, 5_000)

    counted = await delivered(direct, 1)

    assert counted[history_id][0] == 1
    assert 1_000 <= counted[history_id][1] < len(LARGE)
