"""What is answered without a byte of any file."""

import pytest

from domain.states import Mode, Status
from tests.web.delivery.conftest import Reader, path_of


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        (Status.FAILED, 409),
        (Status.QUEUED, 409),
        (Status.RUNNING, 409),
        (Status.CANCELLED, 409),
        (Status.EXPIRED, 410),
    ],
)
async def test_without_a_finished_file_there_is_none(
    reader: Reader, status: Status, answered: int
) -> None:
    history_id = await reader.file()
    await reader.rows.end(history_id, status)

    answer = await reader.http.get(path_of(history_id))

    assert answer.status_code == answered
    assert answer.json()["code"] == {409: "conflict", 410: "gone"}[answered]


async def test_a_file_past_its_time_is_gone_before_it_is_deleted(reader: Reader) -> None:
    history_id, path = await reader.placed(mode=Mode.QUICK.value)
    kept = await reader.http.head(path_of(history_id))
    await reader.rows.set(history_id, "expire_at = now() - interval '1 second'")

    answer = await reader.http.get(path_of(history_id))

    assert kept.status_code == 200
    assert (answer.status_code, path.exists()) == (410, True)


async def test_what_is_anothers_and_what_is_nobodys_are_refused_alike(
    reader: Reader, direct: Reader
) -> None:
    history_id = await reader.file()

    answers = [
        await direct.http.get(f"{reader.site.url}/api/v1{path_of(number)}")
        for number in (history_id, 999_999_999)
    ]

    assert [answer.status_code for answer in answers] in ([403, 403], [401, 401])
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    "query",
    [
        "history_id=../../etc/passwd", "history_id=/etc/passwd", "history_id=%2e%2e%2f",
        "history_id[]=1", "history_id=1&history_id=2", "history_id=", "", "history_id=1&x=1",
        "history_id=9223372036854775808", "history_id=\u0661",
    ],
)  # fmt: skip
async def test_what_is_no_id_is_422(reader: Reader, query: str) -> None:
    answer = await reader.http.get(f"/download/file?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "Authorization"])
async def test_a_token_in_the_address_opens_nothing(reader: Reader, name: str) -> None:
    history_id = await reader.file()
    path = f"{path_of(history_id)}&{name}={reader.member.token}"

    answer = await reader.http.get(path, headers={"Authorization": ""})

    assert answer.status_code == 401
