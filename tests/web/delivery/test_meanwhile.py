"""What happens to a file while it is being sent."""

import os

import httpx
import pytest

from domain.states import Mode
from tests.support.waiting import eventually
from tests.web.delivery.conftest import Reader, path_of


async def test_a_file_deleted_while_it_is_sent_arrives_whole(reader: Reader) -> None:
    content = os.urandom(20_000_000)
    history_id, path = await reader.placed(content)
    received = bytearray()

    async with reader.http.stream("GET", path_of(history_id)) as answer:
        async for piece in answer.aiter_raw():
            path.unlink(missing_ok=True)
            received += piece

    assert bytes(received) == content


async def test_a_file_that_expires_while_it_is_sent_arrives_whole(reader: Reader) -> None:
    content = os.urandom(20_000_000)
    history_id, path = await reader.placed(content, mode=Mode.QUICK.value)
    received = bytearray()

    async with reader.http.stream("GET", path_of(history_id)) as answer:
        async for piece in answer.aiter_raw():
            if not received:
                await reader.rows.set(history_id, "expire_at = now() - interval '1 second'")
                reader.site.front.services.files.delete(path)
            received += piece
    after = await reader.http.get(path_of(history_id))

    assert bytes(received) == content
    assert after.status_code == 410


async def test_a_file_that_shrinks_while_it_is_sent_cuts_the_connection(reader: Reader) -> None:
    history_id, path = await reader.placed(bytes(50_000_000))

    async with reader.http.stream("GET", path_of(history_id)) as answer:
        os.truncate(path, 1_000_000)
        with pytest.raises(httpx.TransportError):
            await answer.aread()

    await eventually(lambda: reader.active == 0)


async def test_who_is_disabled_gets_the_rest_and_then_nothing_more(direct: Reader) -> None:
    content = os.urandom(20_000_000)
    history_id = await direct.file(content)
    received = bytearray()

    async with direct.http.stream("GET", path_of(history_id)) as answer:
        async for piece in answer.aiter_raw():
            if not received:
                await direct.site.front.services.users.disable(direct.member.email)
            received += piece
    after = await direct.http.get(path_of(history_id))

    assert bytes(received) == content
    assert after.status_code == 401
