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
        ("session=s3cret; login=yes\n", "video.example", "no cookies.txt"),
        (FILE.replace("s3cret", "s3cret" * MAX_BYTES), "video.example", "more than"),
    ],
)
def test_what_is_not_the_sites_cookies_is_refused_without_being_repeated(
    file: str, site: str, fault: str
) -> None:
    with pytest.raises(CookiesError, match=fault) as refused:
        of_site(file, site)

    assert "s3cret" not in str(refused.value)
