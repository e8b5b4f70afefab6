"""When a download is tried again, and how long its asset is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from domain import failures
from domain.failures import DownloadError, FailureCode, TransientError

RETRY_AFTER_CAP = timedelta(minutes=15)
"""The longest wait that a source may ask of us. Source: docs/decisions/0004-retries.md."""

MAX_LONE_CRASHES = 3
"""How many processes of its own a download may take down before it is given up."""

MAX_CRASHES = 10
"""How many holders in a row may die, of whatever, before a download is given up.

Far more than an operator kills by chance. It bounds downloads that take down the whole machine,
where no process survives to see which of them did it.
"""

TRIAL = timedelta(seconds=60)
"""How long the next suspect of a node waits after one was tried."""

PROMPT_TRIALS = 3
TRIAL_DELAY = timedelta(minutes=1)
TRIAL_DELAY_CAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """How one class of failure is retried.

    Attributes:
        retries: Attempts after the first; 0 or more.
        base: Upper bound of the first wait; None for the administrator's.
    """

    retries: int
    base: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The administrator's bounds of a wait: the first one, which then doubles, and the last."""

    base: timedelta
    cap: timedelta


RETRIES: Mapping[type[TransientError], RetryRule] = MappingProxyType(
    {
        failures.SourceTroubleError: RetryRule(retries=4),
        failures.RateLimitedError: RetryRule(retries=4, base=timedelta(seconds=5)),
        failures.TimedOutError: RetryRule(retries=4),
        failures.StalledError: RetryRule(retries=3),
        failures.BlockedError: RetryRule(retries=1),
        failures.DiskFullError: RetryRule(retries=3, base=timedelta(seconds=60)),
        failures.InterruptedDownloadError: RetryRule(retries=3, base=timedelta(seconds=1)),
        failures.CorruptError: RetryRule(retries=2),
        failures.UnexpectedError: RetryRule(retries=1),
    }
)
"""One row for each transient failure but the two of proxies.

Source: docs/decisions/0004-retries.md.
"""

PROXY_ERRORS = (failures.ProxyUnavailableError, failures.ProxyFaultError)
"""What is no attempt at the video: bounded by patience, not by number."""

CROWDED = frozenset({FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE, FailureCode.BLOCKED})
"""How an attempt ends that may have had too many connections; the next one has one at a time."""

REDIS_DELAY = timedelta(seconds=15)
PROXY_DELAY = timedelta(seconds=1)
PROXY_DELAY_CAP = timedelta(seconds=60)


def retry_delay(
    error: DownloadError, *, attempt: int, max_attempts: int, backoff: Backoff, jitter: float
) -> timedelta | None:
    """Return how long to wait before the next attempt, or None to give up.

    Args:
        error: What ended the attempt.
        attempt: Attempts made so far, counting the failed one; 1 or more.
        max_attempts: The administrator's bound, whatever the failure.
        jitter: Share of the bound to wait, 0.0 to 1.0; the caller draws it.

    Raises:
        ValueError: ``attempt`` or ``jitter`` is out of range.

    Source: docs/decisions/0004-retries.md (full jitter; a source's Retry-After wins).
    """
    if attempt < 1 or not 0.0 <= jitter <= 1.0:
        message = f"attempt {attempt} or jitter {jitter} is out of range"
        raise ValueError(message)
    if not isinstance(error, TransientError) or attempt >= max_attempts:
        return None
    rule = RETRIES[type(error)]
    if attempt > rule.retries:
        return None
    if error.retry_after is not None:
        return min(error.retry_after, RETRY_AFTER_CAP)
    # The exponent is bounded so that a huge attempt cannot overflow timedelta.
    base = backoff.base if rule.base is None else rule.base
    bound = min(base * 2 ** min(attempt - 1, 30), max(backoff.cap, base))
    return bound * jitter


def is_given_up(*, crashes: int, lone_crashes: int) -> bool:
    """Return whether a download that its holders died of is not to be tried again.

    Args:
        crashes: Holders in a row that died while they held it.
        lone_crashes: Those of them that held nothing else and died while their parent lived.

    Source: docs/decisions/0004-retries.md.
    """
    return lone_crashes >= MAX_LONE_CRASHES or crashes >= MAX_CRASHES


def trial_delay(crashes: int) -> timedelta:
    """Return how long a suspect waits after its latest crash before it is tried.

    Not at all after the first three; then longer each time, so that one that takes the whole
    machine down does so ever more rarely.

    Args:
        crashes: As for ``is_given_up``; 1 or more.
    """
    if crashes <= PROMPT_TRIALS:
        return timedelta(0)
    return min(TRIAL_DELAY * 2 ** min(crashes - PROMPT_TRIALS - 1, 10), TRIAL_DELAY_CAP)


def is_our_fault(error: DownloadError | None) -> bool:
    """Return whether a proxy is missing only because Redis is away, which costs no patience.

    Source: docs/decisions/0011-proxies.md.
    """
    return isinstance(error, failures.ProxyUnavailableError) and (
        error.reason == failures.REDIS_AWAY
    )


def proxy_delay(
    error: TransientError,
    *,
    faults: int,
    failing: timedelta,
    patience: timedelta,
    jitter: float,
) -> timedelta | None:
    """Return how long to wait before another proxy is taken, or None to give up.

    Args:
        error: One of ``PROXY_ERRORS``.
        faults: Proxies in a row that failed before this one, 0 or more.
        failing: Since the first of them.
        patience: How long a download waits for a proxy that works.
        jitter: Share of the bound to wait, 0.0 to 1.0; the caller draws it.

    Source: docs/decisions/0011-proxies.md.
    """
    if is_our_fault(error):
        return REDIS_DELAY * max(jitter, 0.1)
    if failing >= patience:
        return None
    if error.retry_after is not None:
        return min(error.retry_after, RETRY_AFTER_CAP)
    # The first one that stops working is replaced at once.
    if faults == 0 and isinstance(error, failures.ProxyFaultError):
        return timedelta(0)
    return min(PROXY_DELAY * 2 ** min(faults, 10), PROXY_DELAY_CAP) * jitter
