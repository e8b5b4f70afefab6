"""Any order of events on the real statements: lives of downloads on two nodes, under our clock.

The suite tries the same few lives each time. A long run by hand tries new ones:
``MACHINE_LIVES=2000 MACHINE_STEPS=60 pytest tests/storage/test_machine.py``.
"""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from domain.states import Stage, Status
from domain.twins import Share
from storage.db import Db, Row
from storage.downloads import CLAIM
from tests.conftest import SCHEMA
from tests.storage.clocked_node import ENDINGS, HANDS_ON, Holder, check_path
from tests.storage.rows import TURNS as UNSHARED
from tests.storage.world import DISK, NAMES, SMALL, World
from tests.support.clock import database_with_clock
from tests.support.postgres import Postgres

TURNS = replace(UNSHARED, share=Share.USER, expected_bytes=SMALL)
SWEEPS = ("take_back", "end_cancel_wishes", "unheard")
IDS, NODES = st.integers(1, 8), st.sampled_from(NAMES)
STAGES = st.sampled_from((None, None, *Stage))
DEEDS = ("renew", "work", *ENDINGS)
FIRST = st.sampled_from(("nothing", "nothing", "sweep", "cancel", "cancel", "pause", *NAMES))
UPSETS = st.sampled_from((*SWEEPS, "expire", "expire and die", "restart", "silence or return"))
SECONDS = st.sampled_from((0, 0, 0, 1, 20, 60, 61, 100, 86_400))
ACT = st.tuples(st.just("act"), st.integers(1, 4), st.sampled_from((*DEEDS, "work", "die")), FIRST)
ASK = st.tuples(st.just("ask"), IDS, st.sampled_from(("another", "cancel", "retry")))
DELIVER = st.tuples(st.just("deliver"), IDS, NODES, STAGES, st.integers(1, 3))
GO_ON = st.tuples(st.just("go_on"), IDS, NODES, STAGES)
HAPPEN = st.tuples(st.just("happen"), NODES, UPSETS, SECONDS)


def need(row: Row) -> int:
    """Return what a running download has reserved on the disk of its node."""
    is_fetching = row["stage"] in (Stage.ACQUIRE_PROXY, Stage.FETCH)
    return int(row["expected_bytes"] * (2 if is_fetching else 1))


class Lives(World):
    """What may happen to downloads, and what must hold whatever happens.

    One rule draws all events: Hypothesis leaves most rules out of most lives, so that with a
    rule for each event holders hardly wrote at all and most broken guards went unnoticed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wait(0)
        for n in range(8):
            self.submit(n)
        for n, stage in enumerate(Stage):
            self.go_on(1 + n, NAMES[n % 2], stage)

    @rule(event=ACT | ACT | ASK | DELIVER | GO_ON | HAPPEN)
    def step(self, event: tuple[Any, ...]) -> None:
        getattr(self, event[0])(*event[1:])

    def deliver(
        self, history_id: int, name: str, stage: Stage | None = None, times: int = 1
    ) -> list[Holder]:
        """Deliver the wake-up of a stage, or of the due one; a late one must do nothing."""
        before, table = self.row(history_id), self.table()
        stage = stage or Stage(before["stage"])
        won = self.do(self.nodes[name].deliver(history_id, stage, TURNS, times=times))
        assert len(won) <= 1
        for holder in won:
            assert holder.claim.stage is stage
            assert not self.is_claimed(history_id)
            holder.check_claim(before, self.clock.now)
            self.check_twins(holder.claim, before, table)
            self.epochs[history_id] = holder.claim.epoch
            self.claims[history_id] = (holder, self.clock.now + CLAIM)
        self.holders = [holder for holder in self.holders if holder.lives] + won
        return won

    def go_on(self, history_id: int, name: str, last: Stage | None = None) -> None:
        """Do what is due of a download without a fault, and only begin the last stage."""
        for stage in Stage:
            for holder in self.deliver(history_id, name, stage):
                if stage is last:
                    return
                self.write(holder, "work")

    def act(self, who: int, deed: str, first: str) -> None:
        """Let one of the latest holders do what he would, and before it what must be refused.

        ``first`` comes a sweep, a cancel, or a pause in which a node may take his place.
        """
        living = [holder for holder in self.holders if holder.lives][-who:]
        for holder in living[:1]:
            if first == "cancel":
                self.ask(holder.claim.history_id, "cancel")
            if first in ("sweep", "cancel"):
                self.do(self.nodes["node-a"].sweep(TURNS))
            elif first != "nothing":
                self.wait(61)
            if first in NAMES:
                self.do(holder.node.due.take_back())
                self.deliver(holder.claim.history_id, first)
            for each in (*self.refused(holder), deed):
                self.write(holder, each)
            if deed in HANDS_ON:
                self.deliver(holder.claim.history_id, holder.node.name)

    def refused(self, holder: Holder) -> tuple[str, ...]:
        """Return what a holder must not be able to do now, so that it is tried each time."""
        row = self.row(holder.claim.history_id)
        if not holder.owns(row):
            return DEEDS
        if row["cancel_wish_at"]:
            return ("renew", "work", *HANDS_ON)
        return () if holder.holds(row, self.clock.now) else ("renew", "work")

    def ask(self, history_id: int, wish: str) -> None:
        """Let an owner submit another download, cancel or retry."""
        before, owner = Status(self.row(history_id)["status"]), self.owners[history_id]
        if wish == "another":
            self.submit(history_id)
        elif wish == "retry":
            row = self.do(self.rows.retry(history_id, owner))
            assert (row is not None) is (before in (Status.FAILED, Status.CANCELLED))
            assert row is None or row["cancel_wish_at"] is None
            self.retries[history_id] += row is not None
        else:
            row = self.do(self.rows.cancel(history_id, owner))
            after = Status.RUNNING if self.is_claimed(history_id) else Status.CANCELLED
            assert (row and row["status"]) == (after if before.is_active else None)

    def happen(self, name: str, upset: str, seconds: int) -> None:
        """Let time pass, and then something happen on a node."""
        self.wait(seconds)
        node = self.nodes[name]
        if upset in SWEEPS:
            self.do(getattr(node.due, upset)())
        elif upset == "restart":
            for holder in self.holders:
                holder.lives &= holder.node is not node
            self.claims = {n: own for n, own in self.claims.items() if own[0].node is not node}
            self.do(node.due.drop_claims())
        elif upset == "silence or return":
            self.silent ^= {name}
            self.wait(61 if name in self.silent else 0)
        else:
            now, table = self.clock.now, self.table().items()
            early = [n for n, row in table if not row["expire_at"] or row["expire_at"] > now]
            self.do(node.expire(early, dies=upset == "expire and die"))

    @invariant()
    def promises(self) -> None:
        table = self.table()
        assert table.keys() == self.owners.keys()
        running = [row for row in table.values() if row["status"] == Status.RUNNING]
        for name, user in zip(NAMES, self.users, strict=True):
            there = [row for row in running if row["storage_node"] == name]
            # One more than the slots is on trial.
            assert len(there) <= TURNS.slots + 1
            assert sum(not row["crashes"] for row in there) <= TURNS.slots
            assert sum(need(row) for row in there) <= DISK.room_bytes
            assert sum(row["user_id"] == user for row in running) <= TURNS.per_user + 1
        for history_id, row in table.items():
            assert row["epoch"] == self.epochs[history_id]
            if self.is_claimed(history_id):
                assert row["status"] == Status.RUNNING
            if row["status"] in (Status.COMPLETED, Status.PENDING_CLEANUP, Status.EXPIRED):
                self.nodes[row["storage_node"]].check_file(row, self.clock.now)
            if self.checked.get(history_id) != (row["epoch"], row["status"]):
                self.checked[history_id] = (row["epoch"], row["status"])
                moves = self.do(self.db.all("transitions_of", history_id=history_id))
                ended = self.retries[history_id] + (not Status(row["status"]).is_active)
                assert check_path(moves, row["status"]) == ended

    def teardown(self) -> None:
        """Let time pass and do what the sweeps find, until every download has ended."""
        self.silent.discard("node-b")
        for name in sorted({*NAMES} - self.silent) * (len(self.owners) // 2 + 3):
            # As long as a suspect may have to wait for its trial.
            self.wait(3_600)
            for history_id, _ in self.do(self.nodes[name].sweep(TURNS)):
                self.go_on(history_id, name)
        for name, seconds in zip(NAMES * 2, (0, 0, 86_400, 0), strict=True):
            self.happen(name, "expire", seconds)
        self.promises()
        ends = {Status.COMPLETED, Status.EXPIRED, Status.FAILED, Status.CANCELLED}
        assert {row["status"] for row in self.table().values()} <= ends


def test_no_order_of_events_breaks_a_promise(postgres: Postgres, tmp_path: Path) -> None:
    lives = int(os.environ.get("MACHINE_LIVES", "0"))  # noqa: TID251 - a run by hand asks for more
    steps = int(os.environ.get("MACHINE_STEPS", "40"))  # noqa: TID251 - as above
    # A life is long, and the database and the disk are slow to Hypothesis.
    checks = (HealthCheck.too_slow, HealthCheck.data_too_large)
    few = settings(max_examples=lives or 40, derandomize=not lives, database=None, deadline=None)
    profile = settings(few, stateful_step_count=steps, suppress_health_check=checks)
    schema = SCHEMA.read_text(encoding="utf-8")
    with database_with_clock(postgres, "machine", schema) as url, asyncio.Runner() as runner:
        db = Db(url)
        Lives.start = (runner, db, tmp_path)
        runner.run(db.open())
        try:
            stateful.run_state_machine_as_test(Lives, settings=profile)
        finally:
            runner.run(db.close())
