"""Links that need no header: what they open, how long, and what ends them."""

import base64
import string
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Join, Serve
from tests.web.delivery.conftest import CONTENT, Reader, path_of, reading
from tests.web.scripting import make, script
from web.delivery.tickets import MAX_FILES, Ticket, Tickets, Use

TICKETS = Tickets("a secret of at least thirty-two bytes")
TICKET = Ticket(use=Use.FILE, user_id=1, version=1, ends_at=1_000, history_ids=(7,))
ALPHABET = string.ascii_letters + string.digits + "-_"


def read(text: str, *, now: float = 999) -> Ticket | None:
    return TICKETS.read(text, uses=(Use.FILE, Use.FILE_HERE), now=now)


def test_a_ticket_says_what_it_was_given_for_until_its_end() -> None:
    text = TICKETS.give(TICKET)

    assert read(text) == TICKET
    assert read(text, now=1_000) is None


def test_a_ticket_says_which_key_it_was_given_to() -> None:
    of_key = replace(TICKET, key_id=3)

    assert read(TICKETS.give(of_key)) == of_key
    assert TICKETS.fingerprint(of_key) != TICKETS.fingerprint(TICKET)


def test_a_ticket_for_another_use_or_of_another_secret_opens_nothing() -> None:
    archive = TICKETS.give(replace(TICKET, use=Use.ARCHIVE))
    foreign = Tickets("another secret of thirty-two bytes").give(TICKET)

    assert read(archive) is None
    assert read(foreign) is None


def test_a_ticket_is_in_use_on_whichever_node_it_leads_to() -> None:
    here, other = replace(TICKET, use=Use.FILE_HERE), replace(TICKET, history_ids=(8,))

    assert TICKETS.fingerprint(here) == TICKETS.fingerprint(TICKET)
    assert TICKETS.fingerprint(other) != TICKETS.fingerprint(TICKET)


@given(st.integers(0, 59), st.sampled_from(ALPHABET))
def test_no_other_letter_anywhere_leaves_a_ticket_good(place: int, letter: str) -> None:
    text = TICKETS.give(TICKET)
    forged = text[:place] + letter + text[place + 1 :]

    assert (read(forged) is None) == (forged != text)


@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda b: base64.b64encode(b).decode()))
def test_no_text_at_all_is_taken_for_a_ticket_or_raises(text: str) -> None:
    assert read(text) is None
    assert read(TICKETS.give(TICKET) + text) is None or not text


def test_the_largest_ticket_fits_into_an_address() -> None:
    ids = tuple(range(2**63 - MAX_FILES, 2**63))

    text = TICKETS.give(replace(TICKET, use=Use.ARCHIVE, history_ids=ids, key_id=2**63 - 1))

    assert len(text) < 1_500


async def ticket_of(reader: Reader, history_id: int) -> str:
    answer = await reader.http.post("/download/file-ticket", json={"history_id": history_id})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    assert shown["expires_in"] == 600
    assert shown["ticket"] in shown["url"]
    url = urlsplit(str(shown["url"]))
    assert f"{url.scheme}://{url.netloc}" == reader.site.url
    return f"{url.path.removeprefix('/api/v1')}?{url.query}"


@pytest.fixture
async def stranger(reader: Reader) -> httpx.AsyncClient:
    """A client without a token."""
    return httpx.AsyncClient(base_url=reader.http.base_url, timeout=30)


async def test_a_ticket_opens_the_file_without_a_header_and_again(
    reader: Reader, stranger: httpx.AsyncClient
) -> None:
    path = await ticket_of(reader, await reader.file())

    async with stranger:
        answers = [
            await stranger.get(path),
            await stranger.head(path),
            await stranger.get(path, headers={"Range": "bytes=5-9"}),
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 206]
    assert (answers[0].content, answers[2].content) == (CONTENT, CONTENT[5:10])
    assert answers[0].headers["Cache-Control"] == "private, no-store"


async def delete(reader: Reader, history_id: int) -> None:
    assert (await reader.http.delete(f"/user/history/{history_id}")).status_code == 204


async def expire(reader: Reader, history_id: int) -> None:
    await reader.rows.set(history_id, "expire_at = now()")


async def disable(reader: Reader, _: int) -> None:
    await reader.site.front.services.users.disable(reader.member.email)


async def end_tokens(reader: Reader, _: int) -> None:
    await reader.site.front.services.users.end_tokens(reader.member.user_id)


@pytest.mark.parametrize(
    ("end", "status"), [(delete, 410), (expire, 410), (disable, 403), (end_tokens, 403)]
)
async def test_a_ticket_ends_with_its_file_and_with_its_account(
    direct: Reader, end: Callable[[Reader, int], Awaitable[None]], status: int
) -> None:
    history_id = await direct.file()
    path = await ticket_of(direct, history_id)
    async with httpx.AsyncClient(base_url=direct.http.base_url, timeout=30) as stranger:
        before = await stranger.get(path)
        await end(direct, history_id)

        after = await stranger.get(path)

    assert (before.status_code, after.status_code) == (200, status)


async def test_links_that_a_key_asked_for_end_with_it_and_no_others(direct: Reader) -> None:
    history_id = await direct.file()
    made = await make(direct.member)
    kept = await ticket_of(direct, history_id)
    async with script(direct.site, made["key"]) as http:
        file = await http.post("/download/file-ticket", json={"history_id": history_id})
        both = await http.post("/download/archive-ticket", json={"history_ids": [history_id]})
    links = [file.json()["url"], both.json()["url"], kept, over(direct, file.json()["ticket"])]

    async with httpx.AsyncClient(base_url=direct.http.base_url, timeout=30) as stranger:
        before = [(await stranger.get(link)).status_code for link in links[:3]]
        await eventually(lambda: opens(stranger, links[3]))
        await direct.member.http.delete(f"/auth/keys/{made['key_id']}")
        after = [(await stranger.get(link)).status_code for link in links]

    assert before == [200, 200, 200]
    assert after == [403, 403, 200, 403]


def over(reader: Reader, text: str) -> str:
    """Return the link of a ticket whose time is over, in use by its like that goes on."""
    tickets, front = reader.site.front.desk.tickets, reader.site.front
    ticket = tickets.read(text, uses=[Use.FILE], now=0)
    assert ticket is not None
    late = replace(ticket, ends_at=int(front.now()) - 1)
    front.errands.run(front.desk.continuations.note(late, front.now()))
    return f"/download/file?ticket={tickets.give(late)}"


async def opens(client: httpx.AsyncClient, link: str) -> bool:
    return (await client.head(link)).status_code == 200


async def test_a_ticket_that_is_over_is_refused(serve: Serve, postgres: Postgres) -> None:
    async with serve(delivery={"ticket_ttl_s": 1}) as site, reading(site, postgres) as reader:
        history_id = await reader.file()
        answer = await reader.http.post("/download/file-ticket", json={"history_id": history_id})
        text = answer.json()["ticket"]
        tickets = site.front.desk.tickets
        ticket = tickets.read(text, uses=[Use.FILE], now=0)
        assert ticket is not None
        old = tickets.give(replace(ticket, ends_at=int(site.front.now())))

        refused = await reader.http.get(f"/download/file?ticket={old}")

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("text", ["", "x", "%00", "a" * 1_500, "../../etc/passwd"])
async def test_what_is_no_ticket_is_refused(direct: Reader, text: str) -> None:
    answer = await direct.http.get(f"/download/file?ticket={text}")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_token_is_no_ticket_and_a_ticket_no_token(direct: Reader) -> None:
    history_id = await direct.file()
    path = await ticket_of(direct, history_id)
    ticket = path.partition("ticket=")[2]

    as_ticket = await direct.http.get(f"/download/file?ticket={direct.member.token}")
    as_token = await direct.http.get("/auth/me", headers={"Authorization": f"Bearer {ticket}"})
    both = await direct.http.get(f"{path}&history_id={history_id}")

    assert [as_ticket.status_code, as_token.status_code, both.status_code] == [403, 401, 422]


async def test_nobody_gets_a_ticket_for_what_is_not_theirs(direct: Reader, join: Join) -> None:
    history_id = await direct.file()
    queued = await direct.member.submit()
    stranger = await join()

    answers = [
        await stranger.http.post("/download/file-ticket", json={"history_id": history_id}),
        await stranger.http.post("/download/file-ticket", json={"history_id": 999_999_999}),
        await direct.http.post("/download/file-ticket", json={"history_id": queued}),
        await direct.http.post("/download/file-ticket", json={"history_id": "1"}),
        await direct.http.post("/download/file-ticket", json={"history_id": 2**63}),
        await direct.http.get(path_of(history_id), headers={"Authorization": ""}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 409, 422, 422, 401]


async def test_a_link_never_leads_to_an_address_that_nobody_can_open(
    serve: Serve, postgres: Postgres
) -> None:
    everywhere: dict[str, object] = {"host": "0.0.0.0"}  # noqa: S104 - it is the case
    async with serve(server=everywhere) as site, reading(site, postgres) as reader:
        wanted = {"history_id": await reader.file()}
        evil = {"Host": "evil.example"}
        given = (await reader.http.post("/download/file-ticket", json=wanted, headers=evil)).json()

        file = await reader.http.get(given["url"])

    assert given["url"].startswith(f"http://127.0.0.1:{site.port}/api/v1/download/file?ticket=")
    assert file.content == CONTENT
