"""Structured logs: an event name and fields, one line each, for machines or for people."""

import logging
import math
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

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


_ONE_VOICE = ("pika",)
"""Each layer of it writes its own line of the same error, up to eight for one lost connection."""

_REPEATED = ("dramatiq", *_ONE_VOICE)
_REPEAT_EVERY_S = 30.0


class _Damper(logging.Filter):
    """Lets a library repeat a message only every half minute, with a count of those left out.

    While a broker is away each consumer logs a traceback every second: hundreds of lines that
    hide the one that matters.

    Args:
        clock: Returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, int], tuple[float, int]] = {}

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        library = record.name.partition(".")[0]
        if library not in _REPEATED:
            return True
        # By the place in the code: the texts hold numbers and names that differ each time.
        place, now = (record.pathname, record.lineno), self._clock()
        if library in _ONE_VOICE:
            place = (library, record.levelno)
        said_at, left_out = self._said.get(place, (-math.inf, 0))
        if now < said_at + _REPEAT_EVERY_S:
            self._said[place] = (said_at, left_out + 1)
            return False
        self._said[place] = (now, 0)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like it)", ()
        return True


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
    sink.addFilter(_Damper())
    sink.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[sink], level=settings.level.upper(), force=True)
    for name, level in _NOISY.items():
        logging.getLogger(name).setLevel(max(level, logging.getLogger().level))


@contextmanager
def hushed(library: str) -> Generator[None]:
    """Keep a library from writing anything, in all threads, for as long as this is open."""
    root = logging.getLogger(library)
    level = root.level
    # Its loggers below have no level of their own.
    root.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        root.setLevel(level)


def get(room: str) -> Any:  # noqa: ANN401 - structlog's loggers have no static type
    """Return the logger of a room."""
    return structlog.stdlib.get_logger(room)
