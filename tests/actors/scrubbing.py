"""Runs of the scrub, as the tests of it do them."""

import os
from contextlib import closing
from datetime import timedelta

from actors.rereading import PIECE_BYTES, Pace, Rereading
from actors.scrub import REST, Scrub, Scrubbed
from storage.assets import Assets, ScrubDue
from storage.db import Db
from storage.files import Files
from tests.support.archive import NODE

CONTENT = os.urandom(2 * PIECE_BYTES + 99)
WEEK = timedelta(days=7)
COMMAND = ScrubDue(age=WEEK, rest=timedelta(0))
CHORE = ScrubDue(age=WEEK, rest=REST)
EVERYTHING = ScrubDue(age=timedelta(0), rest=timedelta(0))


async def scrubbed(
    db: Db, files: Files, due: ScrubDue = COMMAND, *, pace: Pace | None = None
) -> list[Scrubbed]:
    """Return what one run finds."""
    with closing(Rereading(files, pace or Pace(2**40))) as reading:
        run = Scrub(Assets(db, node=NODE), reading, node=NODE).run(due)
        return [found async for found in run]


def ids(found: list[Scrubbed]) -> list[int]:
    return [one.asset.history_id for one in found]
