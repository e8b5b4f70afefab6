"""Structured logs: an event name and fields, one line each, for machines or for people."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from runtime.settings import Log

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# Never with local variables, which structlog would add: a proxy's password is one of them.
_TRACE = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)

_NOISY = {
    # These write a line for every message or poll; their warnings are kept.
    "dramatiq": logging.WARNING,
    "pika": logging.WARNING,
    "httpx": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "databases": logging.WARNING,
    "asyncio": logging.WARNING,
    "periodiq": logging.WARNING,
}


def configure(settings: Log, *, part: str) -> None:
    """Send this process's logs to standard error; ``part`` names it: web, worker, scheduler, up."""
    for_people = settings.format == "people" or (settings.format == "auto" and sys.stderr.isatty())
    renderer: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if for_people
        else [_TRACE, structlog.processors.JSONRenderer()]
    )

    def name_part(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["part"] = part
        return event

    shared = [*_SHARED, name_part]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    sink = logging.StreamHandler(sys.stderr)
    sink.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[sink], level=settings.level.upper(), force=True)
    for name, level in _NOISY.items():
        logging.getLogger(name).setLevel(max(level, logging.getLogger().level))


def get(room: str) -> Any:  # noqa: ANN401 - structlog's loggers have no static type
    """Return the logger of a room."""
    return structlog.stdlib.get_logger(room)
