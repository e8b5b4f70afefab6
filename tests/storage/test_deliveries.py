"""The counts of what was delivered."""

from domain.requests import Quality, Wish
from domain.states import Mode
from storage.db import Db
from storage.deliveries import Deliveries, Outcome, Tally
from storage.downloads import Downloads
from storage.users import Users


async def test_counts_add_up_and_forget_what_is_no_download(db: Db) -> None:
    user = await Users(db).add("ada@example.com", password_hash="-")
    assert user is not None
    wish = Wish(url="https://example.com/v", quality=Quality.BEST)
    row = await Downloads(db, node="a").submit(user.user_id, Mode.ARCHIVE, wish)
    number, deliveries = row["history_id"], Deliveries(db, node="a")
    outcomes = {Outcome.SENT: Tally(2, 30), Outcome.USER_FULL: Tally(1, 0)}

    for _ in range(2):
        await deliveries.add({number: Tally(2, 30), 999_999: Tally(1, 5)}, outcomes)

    (mine,) = await deliveries.of_user(user.user_id, 10)
    assert (mine["history_id"], mine["transfers"], mine["bytes"]) == (number, 4, 60)
    totals = {row["outcome"]: (row["node"], row["number"], row["bytes"])
              for row in await deliveries.totals()}  # fmt: skip
    assert totals == {"sent": ("a", 4, 60), "user_full": ("a", 2, 0)}


def test_an_outcome_is_a_refusal_if_no_byte_was_sent() -> None:
    sending = {Outcome.SENT, Outcome.OFFLOADED, Outcome.CLIENT_GONE, Outcome.TOO_SLOW,
               Outcome.FILE_ENDED}  # fmt: skip

    assert {outcome for outcome in Outcome if not outcome.is_refusal} == sending
