"""The log of what webhooks were told, and telling it again."""

import httpx

from domain.webhooks import Answer, Fault
from tests.web.conftest import Join, Member, Site
from tests.web.hooking import cancelled, claimed, end, log
from tests.web.rows import Rows

UNKNOWN = 2**63 - 1


async def test_the_log_says_what_became_of_each(site: Site, member: Member) -> None:
    done, down, waiting = [await cancelled(member) for _ in range(3)]
    await end(site, down, Answer(http_status=500, fault=Fault.STATUS))
    await end(site, done, Answer(http_status=204))

    by_id = {item["history_id"]: item for item in await log(member)}

    assert {each: by_id[each]["status"] for each in (done, down, waiting)} == {
        done: "delivered", down: "failed", waiting: "pending",
    }  # fmt: skip
    [attempt] = by_id[down]["attempts"]
    assert (attempt["http_status"], attempt["fault"]) == (500, "status")
    assert attempt["seconds"] >= 0
    assert by_id[done]["attempts"][-1]["fault"] is None
    assert by_id[done]["webhook_id"].startswith("msg_")
    assert by_id[done]["next_attempt_at"] is None
    assert [item["history_id"] for item in await log(member, status="failed")] == [down]
    assert [item["history_id"] for item in await log(member, history_id=done)] == [done]


async def test_a_replay_tells_the_same_once_more(site: Site, member: Member) -> None:
    history_id = await cancelled(member)
    [item] = await log(member)
    path = f"/user/webhook-deliveries/{item['delivery_id']}/replay"
    early = await member.http.post(path)
    first = await claimed(site, history_id)
    await site.front.services.webhooks.settle(first, Answer(http_status=200), wait=None)
    await member.http.post(f"/download/{history_id}/retry")

    replayed = await member.http.post(path)

    again = await claimed(site, history_id)
    assert (early.status_code, replayed.status_code) == (409, 202)
    assert (again.message.body, again.message.message_id) == (
        first.message.body, first.message.message_id,
    )  # fmt: skip
    await site.front.services.webhooks.settle(again, Answer(http_status=200), wait=None)
    soon = await member.http.post(path)
    assert (soon.status_code, soon.headers["Retry-After"]) == (429, "60")


async def test_anothers_delivery_looks_like_none(site: Site, member: Member, join: Join) -> None:
    other = await join()
    theirs = await cancelled(other)
    await end(site, theirs, Answer(http_status=200))
    [item] = await log(other)

    answers = [
        await member.http.post(f"/user/webhook-deliveries/{number}/replay")
        for number in (item["delivery_id"], UNKNOWN)
    ]
    pages = [
        await member.http.get("/user/webhook-deliveries", params={"history_id": str(each)})
        for each in (theirs, UNKNOWN)
    ]
    cursor = (await other.http.get("/user/webhook-deliveries", params={"limit": "1"})).json()[
        "next_cursor"
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content
    assert pages[0].content == pages[1].content
    assert cursor is None
    assert [each["status"] for each in await log(other)] == ["delivered"]


async def test_a_cursor_is_good_for_its_reader_and_filters(member: Member, join: Join) -> None:
    other = await join()
    for _ in range(2):
        await cancelled(member)
    answer = await member.http.get("/user/webhook-deliveries?limit=1")
    cursor = answer.json()["next_cursor"]

    for who, query in ((other, ""), (member, "&status=failed"), (member, "&history_id=1")):
        asked = await who.http.get(f"/user/webhook-deliveries?limit=1&cursor={cursor}{query}")
        assert asked.status_code == 422


async def test_no_administrator_and_no_metric_shows_the_address(
    site: Site, member: Member, join: Join, rows: Rows
) -> None:
    admin = await join()
    await rows.ask(f"UPDATE users SET role = 'admin' WHERE user_id = {admin.user_id}")
    history_id = await cancelled(member)
    await end(site, history_id, Answer(fault=Fault.DNS))
    [item] = await log(member)
    await member.http.post(f"/user/webhook-deliveries/{item['delivery_id']}/replay")

    pages = [
        await admin.http.get(path)
        for path in (
            f"/admin/downloads?user={member.user_id}",
            f"/admin/audit?user={member.user_id}",
        )
    ]
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        pages.append(await http.get("/metrics"))

    assert all(page.status_code == 200 for page in pages)
    assert not any("s3cret-of-the-receiver" in page.text for page in pages)
    assert 'vasset_webhook_attempts_total{outcome="dns"}' in pages[-1].text
    actions = [entry["action"] for entry in pages[1].json()["items"]]
    assert actions[0] == "replay"
