from datetime import timedelta
from pathlib import Path

import pytest

from domain.failures import StalledError, TimedOutError, TooLargeError
from gateways.ytdlp.options import FetchLimits
from gateways.ytdlp.watch import MAX_FILES, Footprint, Watch, measure

LIMITS = FetchLimits(
    max_bytes=1_000_000,
    time_limit=timedelta(seconds=100),
    stall_timeout=timedelta(seconds=10),
    connections=1,
)
KIB = 1024


def fetched(size: int) -> Footprint:
    return Footprint(fetched_bytes=size)


def look_each_second(watch: Watch, start: int, step: int) -> None:
    for second in range(1, 50):
        watch.look(fetched(start + second * step), now=float(second))


def rewrite_each_second(watch: Watch) -> None:
    for second in range(1, 50):
        watch.look(Footprint(merged_bytes=1, changed_ns=second), now=float(second))


def test_a_folder_that_grows_fast_enough_is_let_go_on() -> None:
    look_each_second(Watch(LIMITS, now=0.0), start=0, step=KIB)


def test_silence_for_the_stall_timeout_is_a_stall() -> None:
    watch = Watch(LIMITS, now=0.0)
    watch.look(fetched(0), now=9.9)

    with pytest.raises(StalledError):
        watch.look(fetched(0), now=10.0)


def test_a_trickle_below_the_rate_is_a_stall() -> None:
    with pytest.raises(StalledError):
        look_each_second(Watch(LIMITS, now=0.0), start=0, step=100)


def test_reported_bytes_count_where_the_folder_does_not_grow() -> None:
    watch = Watch(LIMITS, now=0.0)

    for second in range(1, 50):
        watch.hear(second * 2 * KIB)
        watch.look(fetched(0), now=float(second))


def test_a_shrinking_folder_is_no_growth() -> None:
    with pytest.raises(StalledError):
        look_each_second(Watch(LIMITS, now=0.0), start=500_000, step=-KIB)


def test_rewriting_in_place_counts_while_merging_only() -> None:
    merging, fetching = Watch(LIMITS, now=0.0), Watch(LIMITS, now=0.0)
    merging.merging()

    rewrite_each_second(merging)
    with pytest.raises(StalledError):
        rewrite_each_second(fetching)


def test_the_time_limit_holds_however_well_it_goes() -> None:
    watch = Watch(LIMITS, now=0.0)

    with pytest.raises(TimedOutError):
        watch.look(fetched(900_000), now=100.0)


def test_the_time_that_is_left_is_never_negative() -> None:
    watch = Watch(LIMITS, now=50.0)

    assert watch.left(now=60.0) == 90.0
    assert watch.left(now=500.0) == 0.0


def test_a_folder_over_the_bound_is_too_large() -> None:
    with pytest.raises(TooLargeError):
        Watch(LIMITS, now=0.0).look(fetched(1_000_001), now=1.0)


def test_merging_may_hold_as_much_again() -> None:
    both = Footprint(fetched_bytes=1_000_000, merged_bytes=1_000_000)

    Watch(LIMITS, now=0.0).look(both, now=1.0)


def test_the_folder_is_measured_with_what_lies_deeper(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "media.mp4.part").write_bytes(b"x" * 100_000)
    (tmp_path / "media.temp.mp4").write_bytes(b"x" * 300_000)

    footprint = measure(tmp_path)

    assert 100_000 <= footprint.fetched_bytes < 300_000
    assert footprint.merged_bytes == 300_000
    assert footprint.changed_ns > 0


def test_a_folder_of_countless_files_is_too_large(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / str(number)).touch()

    with pytest.raises(TooLargeError):
        measure(tmp_path)
