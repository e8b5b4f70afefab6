"""What the tests of the quotas do again and again."""

from datetime import timedelta

from domain.download import Digest, Download, User
from domain.quotas import Allowance, Quota
from domain.states import Mode
from storage.db import Db
from storage.downloads import Asset, Downloads, Turns
from storage.quotas import QuotaError, Quotas
from tests.storage.rows import WISH, claim_first

TURNS = Turns(slots=99, per_user=99)
SMALL = Allowance(daily_downloads=9, archive_bytes=1_000, active_downloads=5, reserve_bytes=300)


async def submit(downloads: Downloads, user: User, mode: Mode = Mode.ARCHIVE) -> int | Quota:
    try:
        return int((await downloads.submit(user.user_id, mode, WISH))["history_id"])
    except QuotaError as error:
        return error.quota


async def begun(downloads: Downloads, user: User) -> Download:
    history_id = await submit(downloads, user)
    assert not isinstance(history_id, Quota)
    return await claim_first(downloads, history_id, TURNS)


async def finish(db: Db, downloads: Downloads, claim: Download, size_bytes: int) -> None:
    digest = Digest(md5="0" * 32, size_bytes=size_bytes)
    asset = Asset(file_path="/p", file_name="n.mp4", inode=1, digest=digest)
    async with db.transaction() as statements:
        assert await downloads.hold(statements, claim)
        await downloads.finish(statements, claim, asset, quick_ttl=timedelta(hours=1))


async def numbers(quotas: Quotas, user: User) -> tuple[int, int, int, int]:
    """Return what is used: of the day, of the archive, reserved there, active."""
    books = await quotas.of_user(user.user_id)
    return books.daily_used, books.archive_used, books.archive_reserved, books.active_used
