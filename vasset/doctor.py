"""`vasset doctor`: looks at every part, and says how to mend what is wrong."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from runtime.settings import Settings
from vasset import servers, tooling
from vasset.findings import Finding


def examine(settings: Settings) -> list[Finding]:
    """Return what was found out about every part, in a fixed order; takes seconds at most."""
    return [
        *asyncio.run(_first(settings)),
        tooling.ffmpeg(),
        tooling.ytdlp(),
        tooling.js_runtime(),
        *asyncio.run(_last(settings)),
    ]


async def _first(settings: Settings) -> list[Finding]:
    looks = (servers.database, servers.redis, servers.broker, servers.disk)
    return list(await asyncio.gather(*(look(settings) for look in looks)))


async def _last(settings: Settings) -> list[Finding]:
    looks = (servers.proxy, servers.clock)
    return list(await asyncio.gather(*(look(settings) for look in looks)))


def as_lines(findings: Sequence[Finding]) -> str:
    """Return one line for each part."""
    return "\n".join(
        f"{'ok' if f.ok else 'WRONG':<6} {f.part:<15} {f.text}{f': {f.remedy}' if f.remedy else ''}"
        for f in findings
    )


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list."""
    return json.dumps([asdict(finding) for finding in findings])
