"""Token buckets: exact, fair, the same in Redis as in one process."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keywords open.

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from storage.rates import BURST_S, Bucket, LocalRates, Rates

RATE = 1_000_000
TOTAL = Bucket("total", RATE)


def sent_by(shares: list[int], late_s: float, seconds: float) -> list[int]:
    """Return what each stream sends when all of them take their shares in turn.

    Args:
        shares: What each takes at once.
        late_s: How late each timer fires.
    """
    rates, sent = LocalRates(), [0] * len(shares)
    due = [(1_000.0, number) for number in range(len(shares))]
    while due[0][0] < 1_000 + seconds:
        now, number = heapq.heappop(due)
        wait = rates.reserve([TOTAL], shares[number], now)
        # It is sent when the wait is over, and then the next share is asked for.
        at = now + wait + (late_s if wait else 0)
        if at < 1_000 + seconds:
            sent[number] += shares[number]
        heapq.heappush(due, (at, number))
    return sent


@given(st.integers(1, 50), st.floats(0, 0.02))
def test_streams_get_the_rate_within_five_per_cent_and_equal_shares(
    streams: int, late_s: float
) -> None:
    share = RATE // 16

    sent = sent_by([share] * streams, late_s, seconds=60)

    assert 0.95 * 60 * RATE - share * streams <= sum(sent) <= 1.05 * 60 * RATE
    # Who comes first may take what was saved up.
    assert max(sent) - min(sent) <= 2 * share + BURST_S * RATE


async def test_redis_and_one_process_say_the_same(redis: Redis) -> None:
    """All shares are asked for at once, so the clock hardly matters."""
    ours, local = Rates(redis), LocalRates()
    buckets = [Bucket("user", RATE // 2), TOTAL]

    told = [await ours.reserve(buckets, 500_000) for _ in range(20)]

    expected = [local.reserve(buckets, 500_000, 1_000.0) for _ in range(20)]
    assert expected[-1] == pytest.approx(19 - BURST_S)
    assert told == pytest.approx(expected, abs=0.5)


async def test_an_idle_bucket_saves_up_no_more_than_the_burst(redis: Redis) -> None:
    ours = Rates(redis)
    await redis.set("vasset:rate:total", 1)

    first = await ours.reserve([TOTAL], RATE)
    second = await ours.reserve([TOTAL], 1)

    assert first == 0
    assert second == pytest.approx(1 - BURST_S, abs=0.2)


async def test_what_is_paid_for_leaves_redis(redis: Redis) -> None:
    await Rates(redis).reserve([TOTAL], RATE)

    left_ms = await redis.pttl("vasset:rate:total")

    assert 0 < left_ms <= 2_100
