import httpx
import pytest

from tests.web.conftest import fresh_email
from web.accounts.common_passwords import is_common

ADA = ("ada.lovelace@example.com", "Countess")


@pytest.mark.parametrize(
    "password",
    [
        "password1",
        "PassWord1",
        " password1 ",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11",
        "qwertyuiop",
        "11111111",
        "v-asset!",
        "VAsset2026",
        "vassetvasset",
        "ada.lovelace@example.com",
        "Ada_Lovelace1815",
        "countess!!",
        "CountessCountess",
    ],
)
def test_what_anybody_would_try_first_is_common(password: str) -> None:
    assert is_common(password, *ADA)


@pytest.mark.parametrize(
    "password",
    ["correct horse", "correct horse battery", "my vasset films", "lovelace engine", "9#k2!x7_q4"],
)
def test_a_sentence_or_chance_is_not(password: str) -> None:
    assert not is_common(password, *ADA)


def test_a_name_too_short_to_guess_by_forbids_nothing() -> None:
    assert not is_common("a7#4_a91!23", "a@example.com", None)


@pytest.mark.parametrize("password", ["password1", "v-asset 1", "ada lovelace!"])
async def test_no_account_is_made_with_one(http: httpx.AsyncClient, password: str) -> None:
    account = {"email": fresh_email(), "nickname": "Ada Lovelace", "password": password}

    answer = await http.post("/auth/register", json=account)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == ["password"]
    assert password not in answer.text
