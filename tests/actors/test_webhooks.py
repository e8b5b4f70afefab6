"""Webhooks end to end: a running worker, a receiver with TLS, and the standard's own check."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import psutil
import pytest
from standardwebhooks import Webhook

from domain.states import Mode, Stage, Status
from gateways.webhooks import TIMEOUT
from storage.webhooks import DeliveryStatus
from tests.support.certificates import self_signed
from tests.support.receiver import SILENCE, Receiver, Told, status
from tests.support.site import Site
from tests.support.station import Row, Station, open_station
from tests.support.valkey import Valkey
from tests.support.waiting import eventually

SOON = "UPDATE webhook_deliveries SET due_at = now(), claimed_until = NULL"
"""A minute of waiting without the minute."""


class Listening:
    """A station whose downloads are told to a receiver."""

    def __init__(self, station: Station, receiver: Receiver, trust: dict[str, str]) -> None:
        self.station = station
        self.receiver = receiver
        self.trust = trust

    async def start_worker(self, **environment: str) -> Any:  # noqa: ANN401 - as it is
        return await self.station.start_worker(**self.trust, **environment)

    async def submit(self, url: str, mode: Mode = Mode.QUICK, path: str = "/hook") -> int:
        """Submit as the API does, with a webhook."""
        services = self.station.services
        history_id = await self.station.accept_silently(url, mode)
        async with services.db.transaction() as statements:
            rows = [await self.station.row(history_id)]
            await services.webhooks.attach(statements, rows, self.receiver.url(path))
        self.station.wake(Stage.ACQUIRE_PROXY, history_id)
        return history_id

    async def cancelled(self, url: str) -> int:
        """Submit and cancel a download that no worker has seen."""
        history_id = await self.submit(url)
        await self.station.services.downloads.cancel(history_id, self.station.user.user_id)
        return history_id

    async def told(self, path: str = "/hook", *, times: int = 1) -> list[Told]:
        """Return what came in at a path, once it came so often."""

        def probe() -> list[Told] | None:
            return told if len(told := self.receiver.of(path)) >= times else None

        return await eventually(probe, timeout_s=30, what=f"{times} at {path}")

    async def delivery(self, wanted: DeliveryStatus, history_id: int) -> Row:
        """Return the one delivery of a download once it stands so."""

        async def probe() -> Row | None:
            [row] = await self.log(history_id)
            return row if row["status"] == wanted else None

        return await eventually(probe, timeout_s=60, what=f"{history_id} to be {wanted}")

    async def attempted(self, history_id: int) -> Row:
        """Return the one delivery of a download once an attempt has ended."""

        async def probe() -> Row | None:
            [row] = await self.log(history_id)
            return row if row["attempts"] and row["attempts"][-1]["seconds"] else None

        return await eventually(probe, timeout_s=60, what=f"an attempt for {history_id}")

    async def log(self, history_id: int) -> list[Row]:
        return list(
            await self.station.services.webhooks.page(
                self.station.user.user_id,
                history_id=history_id,
                status=None,
                before=2**62,
                limit=9,
            )
        )


@pytest.fixture
async def listening(database_url: str, valkey: Valkey, tmp_path: Path) -> AsyncGenerator[Listening]:
    certificate = self_signed(tmp_path, "127.0.0.1")
    environment = {
        "VASSET_DATABASE__URL": database_url,
        "VASSET_REDIS__URL": valkey.url,
        "VASSET_BROKER__URL": valkey.url.removesuffix("/0") + "/2",
        "VASSET_AUTH__SECRET": "s" * 32,
    }
    async with Receiver(certificate) as receiver, open_station(environment, tmp_path) as station:
        yield Listening(station, receiver, {"SSL_CERT_FILE": str(certificate.certificate)})


async def test_each_end_is_told_once_signed_and_as_the_history_shows_it(
    listening: Listening, site: Site
) -> None:
    station = listening.station
    kept = await listening.submit(site.url("/clips/1.mp4"), Mode.ARCHIVE, "/kept?token=t0ken")
    quick = await listening.submit(site.url("/clips/2.mp4"), path="/quick")
    gone = await listening.submit(site.url("/status/404"), path="/gone")
    unwanted = await listening.submit(site.clip_url(3, bytes_per_s=5_000), path="/unwanted")
    worker = await listening.start_worker()
    await station.reached(unwanted, Status.RUNNING)
    await station.services.downloads.cancel(unwanted, station.user.user_id)
    await station.services.feed.wish_cancelled(unwanted)
    for history_id in (kept, quick, gone, unwanted):
        await station.ended(history_id)
    paths = {kept: "/kept?token=t0ken", quick: "/quick", gone: "/gone", unwanted: "/unwanted"}
    told = {history_id: (await listening.told(path))[0] for history_id, path in paths.items()}
    worker.stop()
    await station.services.db.raw(
        "UPDATE download_history SET expire_at = now() - interval '1 second' WHERE status = 3"
    )
    worker = await listening.start_worker()
    [_, expired] = await listening.told("/quick", times=2)

    secret = (await station.services.webhook_secrets.show(station.user.user_id)).secret
    said = {each: Webhook(secret).verify(one.body, one.headers) for each, one in told.items()}
    later = Webhook(secret).verify(expired.body, expired.headers)
    assert [said[each]["type"] for each in (kept, quick, gone, unwanted)] == [
        "download.completed", "download.completed", "download.failed", "download.cancelled",
    ]  # fmt: skip
    assert [said[each]["data"]["status"] for each in (kept, quick, gone, unwanted)] == [
        "completed", "pending_cleanup", "failed", "cancelled",
    ]  # fmt: skip
    assert said[kept]["data"]["file_hash"] == site.md5("/clips/1.mp4")
    assert said[gone]["data"]["error"]["code"] == "unavailable"
    assert (later["type"], later["data"]["history_id"]) == ("download.expired", quick)
    assert len({one.headers["webhook-id"] for one in (*told.values(), expired)}) == 5
    assert [len(listening.receiver.of(path)) for path in paths.values()] == [1, 2, 1, 1]
    for hidden in (str(station.root), "node-a", "file_path", "t0ken"):
        assert not any(hidden in one.body.decode() for one in told.values())
    logs = "".join(each.log.read_text() for each in station.workers)
    assert "webhook_attempted" in logs
    assert "t0ken" not in logs


async def test_what_fails_is_told_again_as_it_was(listening: Listening, site: Site) -> None:
    listening.receiver.answers["/hook"] = [status(500), status(200)]
    history_id = await listening.submit(site.url("/status/404"))
    await listening.start_worker()

    await listening.told()
    failed = await listening.attempted(history_id)
    await listening.station.services.db.raw(SOON)
    first, second = await listening.told(times=2)
    row = await listening.delivery(DeliveryStatus.DELIVERED, history_id)

    wait = failed["next_attempt_at"] - failed["attempts"][0]["at"]
    assert 3 < wait.total_seconds() < 60
    assert [(one["http_status"], one["fault"]) for one in row["attempts"]] == [
        (500, "status"), (200, None),
    ]  # fmt: skip
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


async def test_an_attempt_that_died_with_its_worker_is_made_again(
    listening: Listening, site: Site
) -> None:
    history_id = await listening.submit(site.url("/status/404"))

    await listening.station.die_at("before:gateways.webhooks:Sender.send", **listening.trust)

    assert listening.receiver.told == []
    await listening.station.services.db.raw(SOON)
    await listening.start_worker()
    row = await listening.delivery(DeliveryStatus.DELIVERED, history_id)
    assert [one["fault"] for one in row["attempts"]] == ["interrupted", None]
    assert len(listening.receiver.told) == 1


async def test_one_that_was_told_but_not_written_down_is_told_again_by_the_same_id(
    listening: Listening, site: Site
) -> None:
    history_id = await listening.submit(site.url("/status/404"))

    await listening.station.die_at("before:storage.webhooks:Webhooks.settle", **listening.trust)

    await listening.station.services.db.raw(SOON)
    await listening.start_worker()
    await listening.delivery(DeliveryStatus.DELIVERED, history_id)
    first, second = listening.receiver.told
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_what_cannot_be_told_ends_and_the_worker_goes_on(listening: Listening) -> None:
    station, services = listening.station, listening.station.services
    url = "https://example.com/never-fetched"
    lethal, broken, well = [await listening.cancelled(url) for _ in range(3)]
    ada = station.user
    await station.become("bob@example.com")
    disabled = await listening.cancelled(url)
    await services.db.raw(
        f"UPDATE webhook_deliveries SET tries = 30, tried_at = now() WHERE history_id = {lethal};"
        f"UPDATE webhook_deliveries SET url = 'damaged' WHERE history_id = {broken};"
        "UPDATE users SET disabled_at = now() WHERE email = 'bob@example.com'"
    )

    worker = await listening.start_worker()

    bobs = await listening.delivery(DeliveryStatus.FAILED, disabled)
    station.user = ada
    gone = await listening.delivery(DeliveryStatus.FAILED, lethal)
    later = await listening.attempted(broken)
    await listening.delivery(DeliveryStatus.DELIVERED, well)
    assert [row["attempts"][-1]["fault"] for row in (bobs, gone, later)] == [
        "account_disabled", "interrupted", "internal",
    ]  # fmt: skip
    assert later["status"] == DeliveryStatus.PENDING
    assert len(listening.receiver.told) == 1
    assert worker.process.poll() is None


async def test_receivers_that_never_answer_hold_up_neither_others_nor_downloads(
    listening: Listening, site: Site
) -> None:
    listening.receiver.answers["/hook"] = [SILENCE]
    silent = [await listening.submit(site.url("/status/404")) for _ in range(20)]
    async with Receiver(None) as other:
        clock = asyncio.get_running_loop().time
        begun_s = clock()
        worker = await listening.start_worker()
        for history_id in silent:
            await listening.station.ended(history_id)
        await listening.told(times=4)
        here, listening.receiver = listening.receiver, other
        well = await listening.submit(site.url("/clips/4.mp4"))

        row = await listening.station.ended(well, timeout_s=8)
        await listening.told()
        # Each attempt of the four that may run lasts until its time is over; then comes the next.
        rounds = 1 + int((clock() - begun_s) / TIMEOUT.total_seconds())
        asked = len(here.told)

    assert row["status"] == Status.PENDING_CLEANUP
    assert 4 <= asked <= 4 * rounds
    worker.stop(signal.SIGTERM, timeout_s=12)
    assert not psutil.pid_exists(worker.process.pid)
