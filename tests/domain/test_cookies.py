import pytest

from domain.cookies import MAX_BYTES, CookiesError, of_site

FILE = (
    "# Netscape HTTP Cookie File\n\n"
    ".video.example\tTRUE\t/\tTRUE\t2000000000\tsession\ts3cret\n"
    "#HttpOnly_www.video.example\tFALSE\t/\tTRUE\t0\tlogin\tyes\n"
    ".example\tTRUE\t/\tTRUE\t0\twide\tno\n"
    "notvideo.example\tFALSE\t/\tTRUE\t0\tother\tno\n"
    "video.example.evil\tFALSE\t/\tTRUE\t0\tother\tno\n"
)
GOOD = ".video.example\tTRUE\t/\tFALSE\t2000000000\tsession\ts3cret"


def test_only_what_belongs_to_the_site_is_kept() -> None:
    cookies = of_site(FILE, "video.example")

    assert cookies.number == 2
    assert "s3cret" in cookies.text
    assert not any(word in cookies.text for word in ("wide", "other", "evil"))


@pytest.mark.parametrize(
    ("file", "site", "fault"),
    [
        (FILE, "elsewhere.example", "no cookie in it belongs"),
        ("", "video.example", "no cookie in it belongs"),
        ("session=s3cret; login=yes\n", "video.example", "not a cookies.txt: line 1 "),
        (FILE.replace("s3cret", "s3cret" * MAX_BYTES), "video.example", "more than"),
        ('[{"domain": "video.example", "value": "s3cret"}]', "video.example", "JSON"),
        ('\n {"cookies": []}', "video.example", "JSON"),
        (
            f"{GOOD}\n{GOOD}\tmore",
            "video.example",
            "line 2 is not a cookie: it does not have seven",
        ),
        (f"\n{GOOD.replace('2000000000', 'Session')}", "video.example", "line 2 .* not a time"),
        (f"# a\n{GOOD.replace('2000000000', '1e9')}", "video.example", "line 2 .* not a time"),
        (GOOD.replace("s3cret", "s3\0cret"), "video.example", "line 1 .* control character"),
        (".video.example\tTRUE\t/\n", "video.example", "line 1 is not a cookie"),
    ],
)
def test_what_is_not_the_sites_cookies_is_refused_without_being_repeated(
    file: str, site: str, fault: str
) -> None:
    with pytest.raises(CookiesError, match=fault) as refused:
        of_site(file, site)

    assert "s3cret" not in str(refused.value)
    assert "s3" not in str(refused.value)


def test_what_has_expired_is_left_out_and_counted() -> None:
    file = f"{GOOD}\n{GOOD.replace('2000000000', '1700000000').replace('session', 'old')}\n"

    cookies = of_site(file, "video.example", now=1_800_000_000)

    assert (cookies.number, cookies.expired) == (1, 1)
    assert "old" not in cookies.text
    with pytest.raises(CookiesError, match=r"every cookie of .* has expired"):
        of_site(file, "video.example", now=2_100_000_000)


def test_a_line_of_another_site_that_cannot_be_read_spoils_nothing() -> None:
    cookies = of_site(f"other.example\tTRUE\t/\n{GOOD}\nnonsense\n", "video.example")

    assert (cookies.number, cookies.left_out) == (1, (1, 3))


def test_what_was_mended_is_read_again_as_it_is() -> None:
    cookies = of_site(FILE.replace(".video.example", "video.example"), "video.example")

    assert of_site(cookies.text, "video.example") == cookies
