import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from domain.download import User
from runtime.settings_layers import SettingsError
from tests.web.conftest import Member, Site
from web.accounts.tokens import Tokens

SECRET = "0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000
TTL = timedelta(minutes=15)
ADA = User(
    user_id=7,
    email="ada@example.com",
    nickname=None,
    role="user",
    token_version=3,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def tokens(now: float = NOW) -> Tokens:
    return Tokens(SECRET, TTL, clock=lambda: now)


def claims(**changes: object) -> dict[str, object]:
    good = {
        "iss": "vasset",
        "aud": "vasset-api",
        "typ": "access",
        "sub": "7",
        "ver": 3,
        "iat": NOW,
        "exp": NOW + 900,
        "jti": "x",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(payload: str | dict[str, object], *, key: str = SECRET, **header: object) -> str:
    """Sign as PyJWT does, but any text and any header."""
    raw = payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))
    head: dict[str, object] = {"alg": "HS256", "typ": "JWT"} | header
    # PyJWT writes the header's fields in this order too; sorted they would differ.
    jws = jwt.PyJWS()
    algorithm = str(head.pop("alg"))
    return jws.encode(raw.encode(), key, algorithm=algorithm, headers=head)  # pyright: ignore[reportUnknownMemberType] - keys of any kind


def test_a_token_given_is_a_token_read() -> None:
    token = tokens().give(ADA)

    seen = tokens().read(token)

    assert seen is not None
    assert (seen.user_id, seen.version, seen.ends_at) == (7, 3, NOW + 900)
    assert tokens().read(signed(claims())) is not None


@pytest.mark.parametrize("late", [904, 905, 10_000])
def test_a_token_ends_with_its_life(late: int) -> None:
    assert (tokens(NOW + late).read(tokens().give(ADA)) is not None) == (late < 905)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"jti": None},
        {"iss": None},
        {"aud": None},
        {"ver": None},
        {"typ": None},
        {"typ": "refresh"},
        {"iss": "vasset2"},
        {"iss": "vasse"},
        {"aud": "other"},
        {"aud": ["vasset-api", "other"]},
        {"sub": 7},
        {"sub": "1 OR 1=1"},
        {"sub": "9999999999999999999"},
        {"exp": str(NOW + 900)},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": -1},
        {"exp": 2**63},
        {"exp": NOW + 315_360_000},
        {"iat": NOW + 3_600, "exp": NOW + 4_000},
        {"nbf": NOW + 3_600},
        {"ver": "3"},
        {"admin": True},
    ],
    ids=str,
)
def test_a_claim_that_is_missing_or_wrong_spoils_the_token(changes: dict[str, Any]) -> None:
    assert tokens().read(signed(claims(**changes))) is None


SPOILERS: list[Callable[[str], str]] = [
    lambda _: "",
    lambda _: "x",
    lambda t: t + ".x.y",
    lambda t: t.rpartition(".")[0],
    lambda t: t.rpartition(".")[0] + ".",
    lambda t: t + "=",
    lambda t: t + "\n",
    lambda t: " " + t,
    lambda t: t.replace(".", ". ", 1),
    lambda t: t.replace(".", ".\n", 1),
    lambda t: t.replace(".", "..", 1),
    lambda t: t[:-1] + chr(ord(t[-1]) ^ 1),
    lambda t: t.replace(".", ".=", 1),
    lambda t: t + "\u00e9",
    lambda _: "x" * 1_048_576,
    lambda t: base64.urlsafe_b64encode(b"[" * 100_000).decode() + "." + t.partition(".")[2],
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=range(len(SPOILERS)))
def test_a_token_has_one_form(spoil: Callable[[str], str]) -> None:
    assert tokens().read(spoil(tokens().give(ADA))) is None


@pytest.mark.parametrize(
    "token",
    [
        signed(claims(), alg="HS512", key=SECRET * 2),
        signed(claims(), alg="HS384", key=SECRET * 2),
        signed(claims(), kid="../../dev/null"),
        signed(claims(), jku="http://127.0.0.1/"),
        signed(claims(), crit=["exp"]),
        signed(claims(), zip="DEF"),
        signed(claims(), key="another secret that is long enough"),
        jwt.encode(claims(), None, algorithm="none"),  # pyright: ignore[reportUnknownMemberType, reportArgumentType]
        signed('{"sub":"1",' + json.dumps(claims())[1:]),
        signed("[" * 1_000),
        signed("[]"),
    ],
    ids=range(11),
)
def test_only_our_header_our_key_and_one_reading_are_taken(token: str) -> None:
    assert tokens().read(token) is None


def test_no_common_secret_signs_a_token() -> None:
    """Reliability row JW-6; PyJWT refuses to sign with such keys, so this signs by itself."""
    head, payload, _ = tokens().give(ADA).split(".")

    for key in ("", "secret", "changeme", *FREQUENCY_LISTS["passwords"][:1_000]):
        digest = hmac.digest(key.encode(), f"{head}.{payload}".encode(), "sha256")
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert tokens().read(f"{head}.{payload}.{signature}") is None


def test_the_signature_of_another_token_does_not_fit() -> None:
    one, other = tokens().give(ADA), tokens().give(ADA)

    mixed = f"{one.rpartition('.')[0]}.{other.rpartition('.')[2]}"

    assert tokens().read(one) is not None
    assert tokens().read(mixed) is None


@pytest.mark.parametrize("secret", ["", "changeme", "x" * 31])
def test_a_short_secret_stops_the_start(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"auth\.secret"):
        Tokens(secret, TTL)


async def test_every_fault_of_a_token_has_one_answer(
    http: httpx.AsyncClient, member: Member, site: Site
) -> None:
    secret = site.settings.auth.secret.get_secret_value()
    now = int(datetime.now(UTC).timestamp())  # noqa: TID251 - the server reads its clock too
    good = claims(sub=str(member.user_id), ver=1, iat=now, exp=now + 900)
    headers: list[list[tuple[str, str]]] = [
        [],
        [("Authorization", "Bearer")],
        [("Authorization", "bearer x")],
        [("Authorization", f"Basic {member.token}")],
        [("Authorization", f"Bearer {member.token}"), ("Authorization", "Bearer x")],
        [
            (
                "Authorization",
                f"Bearer {signed(good | {'iat': now - 1_000, 'exp': now - 100}, key=secret)}",
            )
        ],
        [("Authorization", f"Bearer {signed(good | {'ver': 2}, key=secret)}")],
        [("Authorization", f"Bearer {signed(good | {'sub': '999'}, key=secret)}")],
    ]
    fine = await http.get(
        "/auth/me", headers={"Authorization": f"Bearer {signed(good, key=secret)}"}
    )

    answers = [await http.get("/auth/me", headers=some) for some in headers]
    answers.append(await http.get(f"/auth/me?access_token={member.token}"))

    assert fine.status_code == 200
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert answers[0].json()["code"] == "unauthorized"
