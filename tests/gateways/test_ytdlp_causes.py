import errno
import importlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from domain import failures
from domain.failures import DownloadError, TransientError
from gateways.retry_after import parse_retry_after
from gateways.ytdlp.causes import error_of, refusal_of, report_of
from gateways.ytdlp.protocol import Failed

# By name, so that this stays no second importer: the real classes, which carry no types.
utils: Any = importlib.import_module("yt_dlp.utils")
network: Any = importlib.import_module("yt_dlp.networking.exceptions")

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def http_error(status: int, **headers: str) -> Exception:
    response = SimpleNamespace(
        status=status,
        reason="",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    return network.HTTPError(response)


def wrapped(cause: Exception) -> Exception:
    """The exception as yt-dlp hands it out: kept in a triple of an outer one."""
    return utils.DownloadError("", (type(cause), cause, None))


def leaf(error: BaseException) -> str:
    return report_of(error, NOW).leaf


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "SourceGoneError"),
        (401, "LoginRequiredError"),
        (403, "BlockedError"),
        (404, "SourceGoneError"),
        (407, "ProxyFaultError"),
        (408, "SourceTroubleError"),
        (410, "SourceGoneError"),
        (425, "SourceTroubleError"),
        (429, "RateLimitedError"),
        (451, "SourceGoneError"),
        (500, "SourceTroubleError"),
        (503, "SourceTroubleError"),
        (522, "SourceTroubleError"),
    ],
)
def test_a_status_decides(status: int, expected: str) -> None:
    extraction = utils.ExtractorError("", cause=http_error(status), expected=True)

    assert leaf(wrapped(http_error(status))) == expected
    assert leaf(wrapped(extraction)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (network.TransportError(cause=ConnectionRefusedError()), "SourceTroubleError"),
        (network.IncompleteRead(partial=1, expected=2), "SourceTroubleError"),
        (network.CertificateVerifyError(), "SourceTroubleError"),
        (network.ProxyError(), "ProxyFaultError"),
        (network.NoSupportingHandlers([], []), "UnsupportedSiteError"),
        (utils.ContentTooShortError(1, 2), "SourceTroubleError"),
        (utils.GeoRestrictedError("", countries=["DE"]), "GeoBlockedError"),
        (utils.UserNotLive(), "LiveStreamError"),
        (utils.UnsupportedError("https://video.example"), "UnsupportedSiteError"),
        (utils.ExtractorError("", expected=True), "UnsupportedSiteError"),
        (utils.ExtractorError("", expected=False), "BrokenExtractorError"),
        (utils.RegexNotFoundError(""), "BrokenExtractorError"),
        (utils.PostProcessingError(""), "CorruptError"),
        (OSError(errno.ENOSPC, ""), "DiskFullError"),
        (OSError(errno.EDQUOT, ""), "DiskFullError"),
        (OSError(errno.EFBIG, ""), "TooLargeError"),
        (MemoryError(), "TooLargeError"),
        (failures.LiveStreamError(), "LiveStreamError"),
        (KeyError("formats"), "UnexpectedError"),
        (RecursionError(), "UnexpectedError"),
        (TimeoutError(), "SourceTroubleError"),
        (FileNotFoundError(), "UnexpectedError"),
    ],
)
def test_a_type_decides(error: Exception, expected: str) -> None:
    assert leaf(error) == expected
    assert leaf(wrapped(error)) == expected


def test_a_download_error_without_a_cause_is_what_yt_dlp_cannot_take_in() -> None:
    assert leaf(utils.DownloadError("Initialization fragment found after media fragments")) == (
        "UnsupportedSiteError"
    )


def test_a_text_never_decides() -> None:
    error = utils.ExtractorError("HTTP Error 429: Too Many Requests; private video; geo")

    assert leaf(wrapped(error)) == "BrokenExtractorError"


def test_a_geo_block_that_was_read_from_a_403_is_a_geo_block() -> None:
    error = utils.GeoRestrictedError("")
    error.__context__ = http_error(403)

    assert leaf(error) == "GeoBlockedError"


def test_a_class_of_the_same_name_from_elsewhere_does_not_decide() -> None:
    impostor = type("GeoRestrictedError", (Exception,), {})

    assert leaf(impostor()) == "UnexpectedError"


def test_a_chain_that_bites_its_tail_comes_to_an_end() -> None:
    first, second = KeyError(), KeyError()
    first.__cause__, second.__cause__ = second, first

    assert leaf(first) == "UnexpectedError"


def test_the_report_names_the_types_and_leaves_their_text_out() -> None:
    report = report_of(wrapped(KeyError("token=secret")), NOW)

    assert report.chain == "DownloadError < KeyError"


def test_what_yt_dlp_said_comes_along_without_the_secrets_in_it() -> None:
    error = utils.DownloadError("\x1b[0;31mERROR:\x1b[0m see http://vasset:t0ken@127.0.0.1:1/a?k=s")

    report = report_of(error, NOW)

    assert report.detail == "DownloadError: ERROR: see http://127.0.0.1:1/…"
    assert error_of(report).detail == report.detail


def test_what_yt_dlp_remarked_before_comes_first() -> None:
    error = utils.DownloadError("ERROR: no formats")
    error.add_note("ERROR: no formats | WARNING: a key is missing")

    assert report_of(error, NOW).detail == "ERROR: no formats | WARNING: a key is missing"


@pytest.mark.parametrize(
    ("refuse", "expected"),
    [("raise_login_required", "LoginRequiredError"), ("report_drm", "DrmProtectedError")],
)
def test_how_an_extractor_refuses_is_known_by_what_it_calls(refuse: str, expected: str) -> None:
    importlib.import_module("gateways.ytdlp.child")
    kind: Any = importlib.import_module("yt_dlp.extractor.common").InfoExtractor
    arguments = ("id",) if refuse == "report_drm" else ()

    with importlib.import_module("yt_dlp").YoutubeDL({"quiet": True}) as ytdlp:
        extractor = kind(ytdlp)
        with pytest.raises(utils.ExtractorError) as caught:
            getattr(extractor, refuse)(*arguments)

    assert leaf(caught.value) == expected


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ({"_has_drm": True}, failures.DrmProtectedError),
        ({"availability": "private"}, failures.PrivateError),
        ({"availability": "needs_auth"}, failures.LoginRequiredError),
        ({"availability": "subscriber_only"}, failures.LoginRequiredError),
        ({"availability": "public"}, type(None)),
        ({}, type(None)),
    ],
)
def test_what_a_video_without_formats_is_marked_with_says_why(
    media: dict[str, Any], expected: type[object]
) -> None:
    assert type(refusal_of(media)) is expected


def test_retry_after_comes_along_with_what_may_be_tried_again() -> None:
    report = report_of(wrapped(http_error(429, Retry_After="7")), NOW)

    assert report.retry_after == timedelta(seconds=7)


def test_retry_after_is_ignored_on_what_is_over() -> None:
    assert report_of(http_error(410, Retry_After="7"), NOW).retry_after is None


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", timedelta(0)),
        (" 120 ", timedelta(minutes=2)),
        ("999999", timedelta(seconds=999_999)),
        ("Mon, 23 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Mon, 23 Nov 2026 12:01:00 -0000", timedelta(minutes=1)),
        ("abc", None),
        ("", None),
        ("-5", None),
        ("9" * 5_000, None),
        ("1e3", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, wait: timedelta | None) -> None:
    assert parse_retry_after(text, NOW) == wait


@pytest.mark.parametrize(
    "kind", [*failures.PermanentError.__subclasses__(), *TransientError.__subclasses__()]
)
def test_every_leaf_survives_the_way_to_the_runner(kind: type[DownloadError]) -> None:
    error = error_of(report_of(kind(), NOW))

    assert type(error) is kind


@pytest.mark.parametrize("name", ["DownloadError", "SystemExit", "", "PermanentError"])
def test_a_name_that_is_no_leaf_is_an_unexpected_fault(name: str) -> None:
    assert type(error_of(Failed(leaf=name, chain=""))) is failures.UnexpectedError


def test_the_wait_survives_the_way_to_the_runner() -> None:
    error = error_of(report_of(http_error(429, Retry_After="7"), NOW))

    assert isinstance(error, TransientError)
    assert error.retry_after == timedelta(seconds=7)
