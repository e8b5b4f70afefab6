"""What the tests of the rows do again and again."""

from domain.download import Download, User
from domain.requests import Wish
from domain.states import Mode, Stage
from storage.db import Db
from storage.downloads import Downloads, Turns

TURNS = Turns(slots=2, per_user=2)
WISH = Wish(url="http://example.com/v.mp4")


async def submit(downloads: Downloads, user: User, mode: Mode = Mode.QUICK) -> int:
    row = await downloads.submit(user.user_id, mode, WISH)
    return int(row["history_id"])


async def claim_first(
    downloads: Downloads, history_id: int, turns: Turns = TURNS, *, on_trial: bool = False
) -> Download:
    claim = await downloads.claim(
        history_id, Stage.ACQUIRE_PROXY, holder="h", turns=turns, on_trial=on_trial
    )
    assert claim is not None
    return claim


async def until_claim_ends(db: Db, history_id: int) -> None:
    """Let the claim run out, as if its holder had died a minute ago."""
    await db.raw(
        "UPDATE download_history SET claim_until = now() - interval '1 second', "
        f"woken_at = now() - interval '1 hour' WHERE history_id = {history_id}"
    )
