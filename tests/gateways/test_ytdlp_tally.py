from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from domain.download import Progress
from domain.failures import TooLargeError
from gateways.ytdlp.tally import MIN_INTERVAL_S, Tally


class Told:
    """A tally with a clock that goes on by a second with each look at it."""

    def __init__(self, *, max_bytes: int = 10_000, step_s: float = 1.0) -> None:
        self.reports: list[Progress] = []
        ticks: Iterator[float] = (number * step_s for number in count())
        self.tally = Tally(max_bytes, self.reports.append, lambda: next(ticks))

    def add(self, name: str, done: float | None, **more: Any) -> Progress:  # noqa: ANN401 - a hook
        hook = {"status": "downloading", "info_dict": {"format_id": name}, "downloaded_bytes": done}
        self.tally.add(hook | more)
        return self.reports[-1]


def test_one_format_is_measured_by_its_own_total() -> None:
    told = Told()

    progress = told.add("0", 250, total_bytes=1_000, speed=100.0, eta=7.5)

    assert progress == Progress(
        downloaded_bytes=250, total_bytes=1_000, percent=25.0, speed_bps=100.0, eta_s=7.5
    )


def test_two_formats_are_weighted_by_their_sizes() -> None:
    told = Told()
    told.tally.plan(
        [{"format_id": "v", "filesize": 900}, {"format_id": "a", "filesize_approx": 100}]
    )

    half = told.add("v", 450, total_bytes=900)
    told.add("v", 900, total_bytes=900, status="finished")
    last = told.add("a", 50, total_bytes=100)

    assert half.percent == 45.0
    assert (last.downloaded_bytes, last.total_bytes, last.percent) == (950, 1_000, 95.0)


def test_the_percentage_is_unknown_while_one_format_s_size_is() -> None:
    told = Told()
    told.tally.plan([{"format_id": "v", "filesize": 900}, {"format_id": "a"}])

    assert told.add("v", 450, total_bytes=900).percent is None


def test_the_percentage_is_unknown_without_a_total() -> None:
    assert Told().add("0", 450, total_bytes=None).percent is None


def test_the_percentage_never_falls_when_an_estimate_grows() -> None:
    told = Told()

    percents = [
        told.add("0", done, total_bytes_estimate=total).percent
        for done, total in [(100, 200), (110, 1_000), (990, 1_000), (1_010, 1_000)]
    ]

    assert percents == [50.0, 50.0, 99.0, 100.0]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1, "5", None, 2**70])
def test_odd_numbers_are_unknown(odd: object) -> None:
    progress = Told().add("0", 100, total_bytes=odd, speed=odd, eta=odd)

    assert progress == Progress(downloaded_bytes=100)


def test_the_bytes_of_all_formats_together_are_bounded() -> None:
    told = Told(max_bytes=1_000)
    told.add("v", 900, total_bytes=900, status="finished")

    with pytest.raises(TooLargeError):
        told.add("a", 101, total_bytes=None)


def test_an_announced_length_over_the_bound_ends_the_fetch_at_once() -> None:
    with pytest.raises(TooLargeError):
        Told(max_bytes=1_000).add("0", 1, total_bytes=1_001)


def test_an_estimate_over_the_bound_does_not() -> None:
    assert Told(max_bytes=1_000).add("0", 1, total_bytes_estimate=5_000).downloaded_bytes == 1


def test_planned_sizes_over_the_bound_end_the_fetch_before_it_begins() -> None:
    with pytest.raises(TooLargeError):
        Told(max_bytes=1_000).tally.plan([{"filesize": 600}, {"filesize": 600}])


def test_blocks_in_quick_succession_are_told_of_once() -> None:
    told = Told(step_s=MIN_INTERVAL_S / 10)

    for done in range(20):
        told.add("0", done, total_bytes=20)

    assert len(told.reports) <= 2


def test_the_end_of_a_format_is_always_told() -> None:
    told = Told(step_s=0.0)
    told.add("0", 1, total_bytes=20)

    assert told.add("0", 20, total_bytes=20, status="finished").percent == 100.0
