"""How often a password may be tried, and by whom."""

from tests.web.accounts.logins.conftest import DEFAULTS, Place, Somewhere
from tests.web.conftest import Serve, Site, fresh_email
from tests.web.watching import heard, socket_of


async def test_the_sixth_guess_is_refused_and_the_owner_elsewhere_is_not(place: Somewhere) -> None:
    attacker, owner, email = place(), place(), fresh_email()
    await owner.register(email)

    guesses = await attacker.guess(email, 20)
    refused = await attacker.answer(email)

    assert guesses == [401] * 5 + [429] * 15
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert await owner.log_in(email) == 200


async def test_one_who_mistypes_and_then_does_not_is_let_in_again_and_again(
    place: Somewhere,
) -> None:
    owner, email = place(), fresh_email()
    await owner.register(email)

    assert await owner.guess(email, 4) == [401] * 4
    assert [await owner.log_in(email) for _ in range(20)] == [200] * 20


async def test_an_unknown_account_is_refused_like_a_known_one(place: Somewhere) -> None:
    attacker = place()

    assert await attacker.guess(fresh_email(), 7) == [401] * 5 + [429] * 2


async def test_one_password_for_many_accounts_is_refused_by_the_thirtieth(
    place: Somewhere,
) -> None:
    sprayer = place()

    answers = [await sprayer.log_in(f"nobody{n}@example.com") for n in range(40)]

    assert answers == [401] * 30 + [429] * 10


async def test_many_addresses_do_not_keep_the_owner_out_of_a_known_place(
    place: Somewhere,
) -> None:
    home, email = place(), fresh_email()
    await home.register(email)
    assert await home.log_in(email) == 200

    hammering = [await place().guess(email, 5) for _ in range(25)]

    # All strangers together have a hundred guesses; then a new place has to wait.
    assert sum(answers.count(401) for answers in hammering) == 100
    assert await place().log_in(email) == 429
    assert await home.log_in(email) == 200


async def test_a_known_place_may_not_guess_more(place: Somewhere) -> None:
    home, email = place(), fresh_email()
    await home.register(email)
    await home.log_in(email)

    assert await home.guess(email, 7) == [401] * 5 + [429] * 2


async def test_neighbours_who_spray_do_not_keep_the_owner_out(place: Somewhere) -> None:
    home, email = place(), fresh_email()
    await home.register(email)
    await home.log_in(email)

    for number in range(40):
        await home.log_in(f"nobody{number}@example.com")

    assert await home.log_in("nobody@example.com") == 429
    assert await home.log_in(email) == 200


async def test_what_is_refused_for_its_form_costs_no_try(place: Somewhere) -> None:
    somebody, email = place(), fresh_email()
    for body in (b"x" * 1_048_576, b'{"email": "a", "password": "' + b"x" * 1_000 + b'"}', b"[]"):
        for path in ("/auth/login", "/auth/register"):
            for _ in range(35):
                answer = await somebody.http.post(
                    path, content=body, headers={"Content-Type": "application/json"}
                )
                assert answer.status_code in (413, 422)

    assert (await somebody.register(email)).status_code == 201
    assert await somebody.log_in(email) == 200


async def test_registrations_are_limited_by_address(serve: Serve) -> None:
    async with serve(auth=DEFAULTS | {"registrations_per_address": 3}) as site:
        crowd, other = Place(site), Place(site)

        answers = [(await crowd.register(fresh_email())).status_code for _ in range(5)]
        elsewhere = (await other.register(fresh_email())).status_code
        for place in (crowd, other):
            await place.http.aclose()

    assert (answers, elsewhere) == ([201] * 3 + [429] * 2, 201)


async def test_a_change_of_password_is_under_the_limits_of_the_login(place: Somewhere) -> None:
    owner, email = place(), fresh_email()
    await owner.register(email)
    token = (await owner.answer(email)).json()["access_token"]
    body = {"current_password": "wrong horse", "new_password": "a battery of horses"}
    headers = {"Authorization": f"Bearer {token}"}

    answers = [
        (await owner.http.put("/auth/password", json=body, headers=headers)).status_code
        for _ in range(6)
    ]

    assert answers == [403] * 5 + [429]
    assert await owner.log_in(email) == 429


async def test_a_limit_ends_no_session(place: Somewhere, strict: Site) -> None:
    owner, email = place(), fresh_email()
    await owner.register(email)
    session = (await owner.answer(email)).json()
    await owner.guess(email, 10)

    renewed = await owner.http.post(
        "/auth/refresh", json={"refresh_token": session["refresh_token"]}
    )

    assert renewed.status_code == 200
    async with socket_of(strict, session["access_token"]) as line:
        assert (await heard(line))["type"] == "snapshot"
