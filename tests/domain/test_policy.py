"""When a download is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import failures
from domain.failures import DownloadError, TransientError
from domain.policy import (
    PROXY_ERRORS,
    RETRIES,
    RETRY_AFTER_CAP,
    Backoff,
    proxy_delay,
    retry_delay,
)

BACKOFF = Backoff(base=timedelta(seconds=2), cap=timedelta(seconds=60))


def delay(error: DownloadError, attempt: int, jitter: float = 1.0) -> timedelta | None:
    return retry_delay(error, attempt=attempt, max_attempts=5, backoff=BACKOFF, jitter=jitter)


def test_every_transient_failure_has_its_row() -> None:
    leaves = {
        leaf
        for leaf in vars(failures).values()
        if isinstance(leaf, type) and issubclass(leaf, TransientError)
    } - {TransientError}

    assert set(RETRIES) | set(PROXY_ERRORS) == leaves
    assert not set(RETRIES) & set(PROXY_ERRORS)


def test_permanent_failures_are_never_retried() -> None:
    assert delay(failures.SourceGoneError(), attempt=1) is None


@pytest.mark.parametrize(
    ("error", "retries"),
    [
        (failures.SourceTroubleError(), 4),
        (failures.RateLimitedError(), 4),
        (failures.TimedOutError(), 4),
        (failures.StalledError(), 3),
        (failures.BlockedError(), 1),
        (failures.DiskFullError(), 3),
        (failures.InterruptedDownloadError(), 3),
        (failures.CorruptError(), 2),
        (failures.UnexpectedError(), 1),
    ],
)
def test_each_failure_is_retried_as_often_as_its_row_says(
    error: DownloadError, retries: int
) -> None:
    delays = [delay(error, attempt) for attempt in range(1, 7)]

    assert [wait is not None for wait in delays] == [n < retries for n in range(6)]


def test_the_bound_of_the_wait_doubles_up_to_the_cap() -> None:
    waits = [
        retry_delay(
            failures.SourceTroubleError(),
            attempt=attempt,
            max_attempts=99,
            backoff=Backoff(base=timedelta(seconds=2), cap=timedelta(seconds=10)),
            jitter=1.0,
        )
        for attempt in (1, 2, 3, 4)
    ]

    assert waits == [timedelta(seconds=s) for s in (2, 4, 8, 10)]


def test_the_administrators_bound_of_attempts_wins() -> None:
    error = failures.SourceTroubleError()

    wait = retry_delay(error, attempt=2, max_attempts=2, backoff=BACKOFF, jitter=0.5)

    assert wait is None


def test_a_sources_wish_is_obeyed_and_capped() -> None:
    patient = failures.RateLimitedError(retry_after=timedelta(seconds=7))
    endless = failures.RateLimitedError(retry_after=timedelta(days=9))

    assert delay(patient, attempt=1, jitter=0.0) == timedelta(seconds=7)
    assert delay(endless, attempt=1) == RETRY_AFTER_CAP


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_wait_stays_within_its_bounds(attempt: int, jitter: float) -> None:
    error = failures.SourceTroubleError()

    wait = retry_delay(error, attempt=attempt, max_attempts=20_000, backoff=BACKOFF, jitter=jitter)

    assert wait is None or timedelta(0) <= wait <= BACKOFF.cap


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.5), (1, -0.1), (1, 1.1)])
def test_arguments_out_of_range_are_refused(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="out of range"):
        delay(failures.StalledError(), attempt, jitter)


@pytest.mark.parametrize(
    ("error", "faults", "failing_s", "wait_s"),
    [
        (failures.ProxyFaultError(), 0, 0, 0),
        (failures.ProxyFaultError(), 1, 5, 2),
        (failures.ProxyUnavailableError(), 0, 0, 1),
        (failures.ProxyUnavailableError(), 3, 30, 8),
        (failures.ProxyUnavailableError(), 50, 599, 60),
        (failures.ProxyUnavailableError(retry_after=timedelta(seconds=3)), 2, 30, 3),
        (failures.ProxyUnavailableError(retry_after=timedelta(days=1)), 2, 30, 900),
        (failures.ProxyUnavailableError(), 2, 600, None),
        (failures.ProxyFaultError(), 0, 600, None),
    ],
)
def test_a_proxy_is_waited_for_with_patience_not_with_attempts(
    error: failures.TransientError, faults: int, failing_s: int, wait_s: int | None
) -> None:
    delay = proxy_delay(
        error,
        faults=faults,
        failing=timedelta(seconds=failing_s),
        patience=timedelta(minutes=10),
        jitter=1.0,
    )

    assert delay == (None if wait_s is None else timedelta(seconds=wait_s))
