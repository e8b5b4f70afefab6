"""What is known of all downloads beside the database: who holds, who owns, how often it ended."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar

from hypothesis import stateful

from domain.download import Download
from domain.states import Mode, Status
from storage.db import Db, Row
from storage.disk import Disk
from storage.downloads import CLAIM
from storage.history import Filters, History
from storage.nodes import Nodes
from storage.room import Room
from storage.users import Users
from tests.storage.clocked_node import ENDINGS, HANDS_ON, ClockedNode, Holder
from tests.storage.rows import WISH
from tests.support.clock import FakeClock

NAMES = ("node-a", "node-b")
SMALL, LARGE = 100, 150
# Each takes twice its size while it is fetched: there is room for two, but not for two large ones.
DISK = Disk(total_bytes=10**6, free_bytes=2 * (SMALL + LARGE), staging_bytes=0, spare_bytes=0)


class World(stateful.RuleBasedStateMachine):
    """Two nodes, two users and their downloads, with the means to act on them and to look."""

    start: ClassVar[tuple[asyncio.Runner, Db, Path]]

    def __init__(self) -> None:
        super().__init__()
        runner, self.db, folder = self.start
        root = Path(mkdtemp(dir=folder))
        self.do, self.clock = runner.run, FakeClock(self.db)
        self.nodes = {name: ClockedNode(self.db, root, name) for name in NAMES}
        self.rows, self.history = self.nodes["node-a"].downloads, History(self.db)
        self.silent: set[str] = set()
        self.owners: dict[int, int] = {}
        self.epochs, self.retries = Counter[int](), Counter[int]()
        self.holders: list[Holder] = []
        self.claims: dict[int, tuple[Holder, datetime]] = {}  # until then nobody else may hold it
        self.checked: dict[int, tuple[int, int]] = {}
        self.users = self.do(_empty(self.db))

    def wait(self, seconds: int) -> None:
        """Let time pass; nodes that are not silent beat."""
        self.do(self.clock.set(self.clock.now + timedelta(seconds=seconds)))
        for name in sorted({*NAMES} - self.silent):
            self.do(Nodes(self.db).beat(name, "", sandbox="full", disk=DISK))

    def table(self) -> dict[int, Row]:
        """Return every row by its id."""
        whole = [Filters(user_id=user) for user in self.users]
        pages = [self.do(self.history.page(each, before=2**40, limit=999)) for each in whole]
        return {row["history_id"]: row for page in pages for row in page.rows}

    def row(self, history_id: int) -> Row:
        """Return one row, as its owner sees it."""
        return self.do(self.rows.of_user(history_id, self.owners[history_id])) or {}

    def is_claimed(self, history_id: int) -> bool:
        """Return whether a holder still has his promise of not being taken over."""
        return history_id in self.claims and self.claims[history_id][1] > self.clock.now

    def check_twins(self, claim: Download, before: Row, table: Mapping[int, Row]) -> None:
        """Assert that a claim fetches beside no twin that runs, and links only what is there."""
        twins = [
            row
            for n, row in table.items()
            if (row["twin_key"], row["user_id"]) == (before["twin_key"], before["user_id"])
            and n != claim.history_id
        ]
        if claim.linked_from is not None:
            (linked,) = [row for row in twins if row["history_id"] == claim.linked_from]
            assert Status(linked["status"]).has_asset
            assert linked["expire_at"] is None or linked["expire_at"] > self.clock.now
        elif before["status"] == Status.QUEUED:
            assert not any(
                row["status"] == Status.RUNNING
                and row["cancel_wish_at"] is None
                and row["storage_node"] not in self.silent
                for row in twins
            )

    def submit(self, kind: int) -> None:
        """Submit a download for one of the users, in one of the modes and of one of the sizes."""
        owner, mode = self.users[kind % 2], list(Mode)[kind // 2 % 2]
        history_id = self.do(self.rows.submit(owner, mode, WISH))["history_id"]
        self.owners[history_id] = owner
        if kind > 1:
            self.do(self._estimate(history_id))

    async def _estimate(self, history_id: int) -> None:
        async with self.db.transaction() as statements:
            await Room(self.db).estimate(statements, history_id, LARGE)

    def write(self, holder: Holder, deed: str) -> None:
        """Let a holder write, and assert that it took effect only where it may."""
        claim, node, before = holder.claim, holder.node, self.row(holder.claim.history_id)
        wished, held = before["cancel_wish_at"] is not None, holder.holds(before, self.clock.now)
        if deed == "renew":
            assert self.do(node.downloads.renew(claim)) is (wished if held else None)
            if held:
                self.claims[claim.history_id] = (holder, self.clock.now + CLAIM)
            return
        if deed in ENDINGS:
            done = self.do(ENDINGS[deed](node.downloads, claim))
            refused = not holder.owns(before) or (wished and deed in HANDS_ON)
            # A claim that ran out but was not taken over may be settled; a held one must be.
            assert not (done and refused)
            assert done or refused or not held
        else:
            done = self.do(node.work(claim, dies=deed == "die"))
            assert done is (held and not wished and deed == "work")
        after = self.row(claim.history_id)
        assert after["claim_until"] is None if done else after == before
        if done:
            self.claims.pop(claim.history_id)
        holder.lives = not done and deed != "die" and holder.owns(before)


async def _empty(db: Db) -> list[int]:
    """Empty the tables; return the ids of two new users."""
    tables = "users, nodes, download_history, limits"
    await db.raw(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    users = [await Users(db).add(f"{n}@example.com", password_hash="") for n in range(2)]
    return [user.user_id for user in users if user]
