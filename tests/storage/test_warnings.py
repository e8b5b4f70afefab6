"""The warnings of a download stay with its row, and with the file that its twin takes."""

from dataclasses import replace
from pathlib import Path

from domain.download import User
from domain.states import Stage
from domain.warnings import DownloadWarning, WarningCode
from storage.db import Db
from storage.downloads import Downloads, Turns
from storage.twins import Twins
from storage.warnings import as_json, from_json
from tests.storage.books import finish
from tests.storage.clocked_node import MEDIA
from tests.storage.rows import claim_first, submit

WARNINGS = (DownloadWarning(code=WarningCode.SUBTITLES_MISSING, subject="de, fr"),)


async def test_warnings_of_a_fetch_stay_with_the_row_and_its_twins(
    db: Db, downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    media = replace(MEDIA, warnings=WARNINGS)

    assert await downloads.pass_on(claim, Stage.CHECKSUM, outcome=media)

    held = await downloads.claim(
        claim.history_id, Stage.CHECKSUM, holder="h", turns=Turns(slots=2, per_user=2)
    )
    assert held is not None
    await finish(db, downloads, held, 32)
    twin = await Twins(db).kept(claim.history_id)
    assert twin is not None
    assert twin.media(Path("/staging/media.mp4")).warnings == WARNINGS


def test_a_warning_of_a_newer_version_is_passed_over() -> None:
    column = '[{"code": "of_tomorrow", "subject": "", "message": "?"}, ' + as_json(WARNINGS)[1:]

    assert from_json(column) == WARNINGS
