"""A record that its owner deletes: gone from sight at once, and its file after it."""

from domain.states import Stage, Status
from tests.web.conftest import Join, Member
from tests.web.rows import Rows


async def status(rows: Rows, history_id: int) -> str:
    return await rows.ask(
        "SELECT status, cancel_wish_at IS NOT NULL FROM download_history"
        f" WHERE history_id = {history_id}"
    )


async def test_a_deleted_record_is_as_if_it_had_never_been(member: Member, rows: Rows) -> None:
    history_id = await member.submit()
    await rows.end(history_id, Status.COMPLETED)

    deleted = await member.http.delete(f"/user/history/{history_id}")

    after = [
        await member.http.get(f"/download/{history_id}"),
        await member.http.get(f"/download/file?history_id={history_id}"),
        await member.http.post(f"/download/{history_id}/cancel"),
        await member.http.post(f"/download/{history_id}/retry"),
        await member.http.delete(f"/user/history/{history_id}"),
    ]
    assert (deleted.status_code, deleted.content) == (204, b"")
    # The file alone is told to have been there: its owner may still hold a link to it.
    assert [answer.status_code for answer in after] == [403, 410, 403, 403, 403]
    assert (await member.http.get("/user/history")).json()["items"] == []


async def test_deleting_what_waits_cancels_it(member: Member, rows: Rows) -> None:
    history_id = await member.submit()

    await member.http.delete(f"/user/history/{history_id}")

    assert await status(rows, history_id) == f"{int(Status.CANCELLED)}|t"


async def test_deleting_what_runs_leaves_its_holder_the_wish(member: Member, rows: Rows) -> None:
    history_id = await member.submit()
    await rows.run(history_id, Stage.FETCH)

    await member.http.delete(f"/user/history/{history_id}")

    assert await status(rows, history_id) == f"{int(Status.RUNNING)}|t"


async def test_nobody_deletes_what_is_anothers(member: Member, join: Join) -> None:
    history_id = await member.submit()
    stranger = await join()

    answers = [
        await stranger.http.delete(f"/user/history/{history_id}"),
        await stranger.http.delete("/user/history/999999999"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content
    assert (await member.http.get(f"/download/{history_id}")).status_code == 200
