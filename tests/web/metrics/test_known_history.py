"""Every counter after a history that is known: a real worker, a real site, a real server."""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from domain.states import Stage, Status
from storage.assets import AssetFault
from tests.support.provider import Mood, Provider
from tests.support.proxy import ForwardProxy
from tests.support.site import Site as Source
from tests.support.station import Station, open_station
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.web.conftest import Member, Site, register, serving, settings_for
from tests.web.metrics.test_metrics import Samples, measured, of

DIED = (
    "UPDATE download_history SET claim_until = now() - interval '1 second',"
    " woken_at = now() - interval '5 minutes' WHERE status = 5"
)
QUICK = {"mode": "quick_download"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A web process and a node, and who uses them."""

    site: Site
    station: Station
    member: Member
    source: Source

    async def ended(self, url: str, **more: object) -> int:
        """Download something and return its id when it has ended."""
        history_id = await self.member.submit(url, **more)
        await self.station.ended(history_id)
        return history_id

    async def file(self, history_id: int) -> Path:
        return Path((await self.station.row(history_id))["file_path"])

    async def sql(self, statement: str) -> None:
        await self.station.services.db.raw(statement)

    async def delivered(self, history_id: int) -> httpx.Response:
        return await self.member.http.get(f"/download/file?history_id={history_id}")


@asynccontextmanager
async def fleet(database_url: str, valkey: Valkey, folder: Path) -> AsyncGenerator[Fleet]:
    broker = valkey.url.removesuffix("/0") + "/3"
    environment = {
        "VASSET_DATABASE__URL": database_url,
        "VASSET_REDIS__URL": valkey.url,
        "VASSET_BROKER__URL": broker,
        "VASSET_PROXY__PROVIDER": "http",
    }
    settings = settings_for(
        database_url,
        valkey.url,
        folder / "root",
        broker={"url": broker},
        egress={"allow_private": ["127.0.0.0/8"]},
    )
    with (
        Source(folder / "media") as source,
        ForwardProxy() as proxy,
        Provider([proxy.url]) as third_party,
    ):
        third_party.script(Mood.FAULT)
        environment["VASSET_PROXY__ENDPOINT"] = third_party.endpoint
        environment["VASSET_PROXY__API_KEY"] = third_party.key
        async with (
            open_station(environment, folder) as station,
            serving(settings) as site,
            httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http,
        ):
            member = await register(http)
            await station.become(member.email)
            yield Fleet(site=site, station=station, member=member, source=source)


async def work(here: Fleet) -> tuple[list[int], Samples, Samples]:
    """Do one of each; return what ended well, and what was measured before and amid the work."""
    clip = here.source.clip_url
    kept = await here.member.submit(clip(1))
    await here.sql("UPDATE download_history SET woken_at = now() - interval '100 s'")
    queued = await measured(here.site)
    worker = await here.station.start_worker()
    await here.station.ended(kept)
    quick = await here.ended(clip(2), **QUICK)
    flaky = await here.ended(here.source.url("/flaky/known?times=1&status=503"), **QUICK)
    await here.ended(here.source.url("/status/404"), **QUICK)

    cancelled = await here.member.submit(here.source.held_url(3))
    await eventually(lambda: len(worker.lines("fetch_started")) == 6, timeout_s=60)
    running = await measured(here.site)
    await here.member.http.post(f"/download/{cancelled}/cancel")
    await here.station.reached(cancelled, Status.CANCELLED)

    held = here.source.held_url(4)
    interrupted = await here.member.submit(held)
    await eventually(lambda: len(worker.lines("fetch_started")) == 7, timeout_s=60)
    worker.stop(signal.SIGKILL)
    here.source.hurry(held)
    await here.sql(DIED)
    await here.station.start_worker()
    await here.station.ended(interrupted)
    deleted = await here.ended(clip(5), **QUICK)
    return [kept, quick, flaky, interrupted, deleted], queued, running


async def clean_up(here: Fleet, quick: int, stuck: int, deleted: int) -> None:
    """Let one file expire, one not be deleted though it has, and one go with its record."""
    folder = (await here.file(stuck)).parent
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    await here.sql(
        "UPDATE download_history SET expire_at = now() - interval '1 hour'"
        f" WHERE history_id IN ({quick}, {stuck})"
    )
    here.station.tick()
    await here.station.reached(quick, Status.EXPIRED)
    gone = await here.file(deleted)
    answer = await here.member.http.delete(f"/user/history/{deleted}")
    assert answer.status_code == 204
    await eventually(lambda: not gone.exists(), timeout_s=60)


async def test_every_counter_agrees_with_a_known_history(
    database_url: str, valkey: Valkey, tmp_path: Path
) -> None:
    async with fleet(database_url, valkey, tmp_path) as here:
        ended, queued, running = await work(here)
        kept, quick, flaky, interrupted, deleted = ended
        files = [await here.file(one) for one in ended]
        fetched = sum(file.stat().st_size for file in files)
        sent = await here.delivered(kept)
        await here.site.front.services.assets.mark(interrupted, AssetFault.CORRUPT)
        refused = await here.delivered(interrupted)
        before = await measured(here.site)
        await clean_up(here, quick, flaky, deleted)

        async def complete() -> Samples | None:
            told = await measured(here.site)
            delivered = sum(of(told, "vasset_deliveries").values())
            removed = told.get(("vasset_cleanup_deleted_total", "node-a"))
            return told if (delivered, removed) == (2, 2) else None

        told: Samples = await eventually(
            complete, timeout_s=60, what="what is written a moment later"
        )

    assert (sent.status_code, refused.is_error) == (200, True)
    ends = {key[1:]: n for key, n in of(told, "vasset_downloads_total").items() if n}
    # The labels by their names: code, mode, status.
    assert ends == {
        ("", "archive", "completed"): 2,
        ("", "quick_download", "pending_cleanup"): 3,
        ("", "quick_download", "expired"): 2,
        ("unavailable", "quick_download", "failed"): 1,
        ("cancelled", "archive", "cancelled"): 1,
    }
    assert told["vasset_download_bytes_total",] == fetched
    assert of(queued, "vasset_queue_depth") == {("vasset_queue_depth", "acquire_proxy"): 1}
    assert queued["vasset_queue_oldest_seconds",] >= 100
    assert of(told, "vasset_queue") == {
        ("vasset_queue_depth", "acquire_proxy"): 0,
        ("vasset_queue_depth", "node.node-a"): 0,
        ("vasset_queue_oldest_seconds",): 0,
    }
    assert of(running, "vasset_downloads_active") == {
        ("vasset_downloads_active", stage): stage == Stage.FETCH for stage in Stage
    }
    assert of(told, "vasset_downloads_active") == {
        ("vasset_downloads_active", stage): 0 for stage in Stage
    }
    assert of(told, "vasset_stage_retries") == {
        ("vasset_stage_retries_total", "proxy_unavailable", "acquire_proxy"): 1,
        ("vasset_stage_retries_total", "interrupted", "fetch"): 1,
        ("vasset_stage_retries_total", "unavailable", "fetch"): 1,
    }
    # The fetch that died with its worker took nobody knows how long.
    assert {key[1]: n for key, n in of(told, "vasset_stage_seconds_count").items()} == {
        "acquire_proxy": 10,
        "fetch": 8,
        "checksum": 5,
        "record": 5,
    }
    assert told["vasset_stage_seconds_bucket", "+Inf", "fetch"] == 8
    assert 0 < told["vasset_stage_seconds_bucket", "10.0", "record"] <= 5
    assert 0 < told["vasset_stage_seconds_sum", "record"] < 60
    assert told["vasset_sweep_recovered_total", "taken_back"] == 1
    assert told["vasset_sweep_recovered_total", "complete"] == 0
    assert told["vasset_sweep_recovered_total", "cancelled"] == 0
    assert told["vasset_proxy_acquire_seconds_count",] == 10
    assert of(told, "vasset_proxy_failures") == {("vasset_proxy_failures_total", "http_500"): 1}

    assert of(told, "vasset_deliver") == {
        ("vasset_deliveries_total", "sent"): 1,
        ("vasset_deliveries_rejected_total", "faulty"): 1,
        ("vasset_deliveries_active", "node-a"): 0,
        ("vasset_delivery_bytes_total",): len(sent.content),
    }
    assert told["vasset_assets_faulty", "corrupt", "node-a"] == 1
    assert told["vasset_cleanup_failures_total", "node-a"] == 1
    assert told["vasset_cleanup_lag_seconds", "node-a"] >= 3_600
    last_success = ("vasset_cleanup_last_success_timestamp_seconds", "node-a")
    # The one that left a file behind is none.
    assert told[last_success] == before[last_success] > 0
    assert 0 < told["vasset_disk_used_ratio", "node-a"] < 1
    assert told["vasset_disk_free_bytes", "node-a"] > 0
    assert running["vasset_staging_bytes", "node-a"] >= 0
    assert told["vasset_node_up", "node-a"] == 1
    posted = ("POST", "/api/v1/download", "202")
    assert told["vasset_http_request_seconds_count", *posted] == 7
    assert told["vasset_ws_connections",] == 0
