"""`vasset doctor`: looks at every part, and says how to mend what is wrong."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from runtime.settings import Settings
from vasset import containment, servers, surroundings, tooling
from vasset.findings import Finding, wrong


def examine(settings: Settings) -> list[Finding]:
    """Return what was found out about every part, in a fixed order; takes seconds at most."""
    programs = [tooling.ffmpeg(), tooling.ytdlp(settings.storage.root), tooling.js_runtime()]
    return asyncio.run(_examine(settings, programs))


def examine_idle(settings: Settings, root: Path) -> list[Finding]:
    """Return what can be found out where no server runs, and that none does.

    Its database, Redis, broker, disk, clock and secret are all there only with it.
    """
    return asyncio.run(_examine_idle(settings, root))


async def _examine_idle(settings: Settings, root: Path) -> list[Finding]:
    programs = [tooling.ffmpeg(), tooling.ytdlp(root / "files"), tooling.js_runtime()]
    walls, proxy = await asyncio.gather(containment.sandbox(settings), servers.proxy(settings))
    return [wrong("server", f"none runs on {root}", "vasset up"), *programs, walls, proxy]


async def _examine(settings: Settings, programs: Sequence[Finding]) -> list[Finding]:
    (database, clock), redis, broker, disk, proxy, sandbox = await asyncio.gather(
        servers.database_and_clock(settings),
        servers.redis(settings),
        servers.broker(settings),
        servers.disk(settings),
        servers.proxy(settings),
        containment.sandbox(settings),
    )
    offload, secret = await surroundings.offload(settings), surroundings.secret(settings)
    return [database, redis, broker, disk, *programs, sandbox, proxy, offload, secret, clock]


def as_lines(findings: Sequence[Finding]) -> str:
    """Return one line for each part: how it is, and behind an arrow how to mend it."""
    return "\n".join(map(_line, findings))


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list."""
    return json.dumps([asdict(finding) for finding in findings])


def _line(finding: Finding) -> str:
    how = "ok" if finding.ok else "WRONG"
    mended = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{how:<6} {finding.part:<15} {finding.text}{mended}"
