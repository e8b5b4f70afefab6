"""How a process that does stages is set up: its services, its fork server, its lock."""

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from actors.context import Context
from actors.pipeline import Wakeups
from gateways.egress.gate import Gate
from gateways.egress.judge import Judge
from gateways.ytdlp.options import FetchLimits, Tools
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.sandbox import Sandbox, SandboxMissingError
from gateways.ytdlp.versions import Versions, YtdlpTooOldError
from runtime import logs, tools
from runtime.services import open_services, provider_of
from runtime.settings import Settings
from storage import roots
from storage.db import DatabaseError
from storage.files import RootMissingError

BOOT_ERRORS = (
    DatabaseError,
    RootMissingError,
    SandboxMissingError,
    YtdlpTooOldError,
    ValueError,
    OSError,
)
"""What keeps a process from starting, each with a message for the administrator."""

_log = logs.get("actors.opening")

RENTALS_TIMEOUT = timedelta(seconds=5)
"""A provider's default time for its answer, and less than a stop may take."""


@asynccontextmanager
async def open_context(
    settings: Settings, wakeups: Wakeups, *, trial_of: str | None = None
) -> AsyncGenerator[Context]:
    """Yield the context of this process; at the end all that it opened is closed.

    Args:
        trial_of: The holder whose claim a parent handed to us; None for a worker.

    Raises:
        BOOT_ERRORS: The database or the disk is away, or this machine lacks what it needs.
    """
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        await roots.prepare(services.nodes, services.files, settings.storage.node)
        holder = trial_of or new_holder(settings.storage.node)
        stack.enter_context(services.holders.entered(holder))
        provider = provider_of(settings.proxy, services.address_policy)
        stack.push_async_callback(provider.close)
        runner = Runner(
            _limits(settings),
            Tools(ffmpeg=tools.find_ffmpeg(), js_runtime=tools.find_js_runtime()),
            Gate(Judge(services.address_policy)),
            sandbox=Sandbox(settings.egress.sandbox),
            versions=Versions(settings.storage.root),
        )
        await runner.start()
        stack.push_async_callback(runner.close)
        context = Context(
            services=services,
            wakeups=wakeups,
            runner=runner,
            provider=provider,
            holder=holder,
            on_trial=trial_of is not None,
            stopping=asyncio.Event(),
        )
        stack.push_async_callback(_end_rentals, context)
        yield context


async def _end_rentals(context: Context) -> None:
    """Wait for what the provider still answers, so that it is kept or given back."""
    answers = asyncio.create_task(context.provider.drain())
    under_way = {answers, *context.rentals}
    _, unfinished = await asyncio.wait(under_way, timeout=RENTALS_TIMEOUT.total_seconds())
    if unfinished:
        _log.warning(
            "proxy_answer_not_awaited",
            advice="the provider took too long; its own list may show a proxy that nobody uses",
        )
    answers.cancel()
    await asyncio.gather(answers, return_exceptions=True)


def new_holder(node: str) -> str:
    """Return a name for a process that will claim stages."""
    return f"{node}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def _limits(settings: Settings) -> FetchLimits:
    downloads = settings.downloads
    return FetchLimits(
        max_entries=downloads.max_playlist_entries,
        max_bytes=downloads.max_bytes,
        time_limit=timedelta(seconds=downloads.time_limit_s),
        live_limit=timedelta(seconds=downloads.live_limit_s),
        stall_timeout=timedelta(seconds=downloads.stall_timeout_s),
        connections=downloads.connections,
    )
