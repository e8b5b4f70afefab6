import pytest

from web.strict_json import MAX_DEPTH, BadTextError, NotJsonError, parse


def test_what_has_one_reading_is_read() -> None:
    assert parse(b'{"a": [1, -2.5e3, null, "\\ud83e\\udd8a"]}') == {"a": [1, -2500.0, None, "🦊"]}


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"\xef\xbb\xbf{}", b'{"a":1,"a":1}', b"NaN", b"-1e999", b"9" * 31, b"[" * 10**6],
    ids=["nothing", "no UTF-8", "mark", "twice", "NaN", "endless", "31 digits", "deep"],
)
def test_what_has_none_or_two_is_not_json(raw: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(raw)


@pytest.mark.parametrize(
    "raw", [b'"\\u0000"', b'{"\\u0000":1}', b'[["\\ud800"]]', b'{"a":{"\\udfff":1}}']
)
def test_texts_that_cannot_be_kept_are_found_at_any_place(raw: bytes) -> None:
    with pytest.raises(BadTextError):
        parse(raw)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_has_a_bound_of_its_own(opening: bytes, closing: bytes) -> None:
    def nested(depth: int) -> bytes:
        return opening * depth + b"1" + closing * depth

    assert parse(nested(MAX_DEPTH))
    with pytest.raises(NotJsonError):
        parse(nested(MAX_DEPTH + 1))
