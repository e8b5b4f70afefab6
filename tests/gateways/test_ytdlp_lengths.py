"""What came and what is in the file decide whether it is whole; what a site states is a hint."""

import pytest

from domain.failures import CorruptError
from domain.warnings import WarningCode
from gateways.ytdlp.lengths import check_length
from gateways.ytdlp.protocol import Done, Inspected, Transfer

COMPLETE = Transfer(is_complete=True)
AS_SENT = Transfer(is_as_sent=True)


def inspected(
    found_s: float, *, stated_s: float | None = None, is_closed: bool | None = None
) -> Inspected:
    return Inspected(
        extension="mp4", found_s=found_s, played_s=found_s, stated_s=stated_s, is_closed=is_closed
    )


def done(duration_s: float | None = None, transfer: Transfer = COMPLETE) -> Done:
    return Done(
        title="T",
        extractor="generic",
        webpage_url=None,
        thumbnail=None,
        duration_s=duration_s,
        transfer=transfer,
    )


@pytest.mark.parametrize(
    ("file", "site"),
    [
        (inspected(6), done()),
        (inspected(6, stated_s=6.2), done(6)),
        (inspected(6), done(6.9, Transfer())),
        (inspected(600), done(6)),
        (inspected(6), done(transfer=Transfer(planned_s=5))),
    ],
)
def test_a_file_as_long_as_stated_is_good(file: Inspected, site: Done) -> None:
    assert check_length(file, site) == ()


@pytest.mark.parametrize(
    ("file", "site"),
    [
        (inspected(10), done(3_600)),
        (inspected(10, is_closed=True), done(3_600, AS_SENT)),
        (inspected(10, stated_s=20), done()),
        (inspected(10, stated_s=20, is_closed=True), done(transfer=AS_SENT)),
        (inspected(10), done(transfer=Transfer(is_complete=True, planned_s=20))),
    ],
)
def test_another_length_than_stated_is_a_warning_where_all_came(
    file: Inspected, site: Done
) -> None:
    (warning,) = check_length(file, site)

    assert warning.code is WarningCode.DURATION_MISMATCH
    assert warning.message.endswith("s, the file has 10 s.")


@pytest.mark.parametrize(
    ("file", "site"),
    [
        (inspected(10), done(20, Transfer())),
        (inspected(10, is_closed=True), done(20, Transfer())),
        (inspected(10), done(20, AS_SENT)),
        (inspected(10, stated_s=20), done(transfer=AS_SENT)),
    ],
)
def test_much_shorter_than_stated_is_cut_short_where_nothing_proves_the_end(
    file: Inspected, site: Done
) -> None:
    with pytest.raises(CorruptError, match="shorter"):
        check_length(file, site)


def test_a_container_without_its_end_is_corrupt_though_all_came() -> None:
    with pytest.raises(CorruptError, match="cut off"):
        check_length(inspected(6, is_closed=False), done(6))


def test_much_longer_than_its_fragments_is_corrupt() -> None:
    with pytest.raises(CorruptError, match="longer"):
        check_length(inspected(120), done(20, Transfer(is_complete=True, planned_s=20)))
