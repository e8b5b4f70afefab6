"""`vasset doctor`: looks at every part, and says how to mend what is wrong."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from runtime.settings import Settings
from vasset import containment, servers, surroundings, tooling
from vasset.findings import Finding


def examine(settings: Settings) -> list[Finding]:
    """Return what was found out about every part, in a fixed order; takes seconds at most."""
    programs = [tooling.ffmpeg(), tooling.ytdlp(settings.storage.root), tooling.js_runtime()]
    return asyncio.run(_examine(settings, programs))


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
    """Return one line for each part."""
    return "\n".join(
        f"{'ok' if f.ok else 'WRONG':<6} {f.part:<15} {f.text}{f': {f.remedy}' if f.remedy else ''}"
        for f in findings
    )


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list."""
    return json.dumps([asdict(finding) for finding in findings])
