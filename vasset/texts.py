"""Texts from files and pipes, also as Windows writes them."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded(raw: bytes) -> str:
    """Return a text in UTF-8, or in UTF-16 if it begins as PowerShell's redirects do.

    Raises:
        UnicodeDecodeError: It is neither.
    """
    return raw.decode("utf-16" if raw.startswith(_WIDE) else "utf-8-sig")


def lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a pipe as they come, without a byte order mark.

    Bytes that are not text become backslash escapes, which the server then refuses as no URL.
    """
    first = stream.readline()
    if first.startswith(_WIDE):
        # The end of a line has two bytes there, so it is read as a whole.
        yield from (first + stream.read()).decode("utf-16", "backslashreplace").splitlines()
        return
    yield first.removeprefix(codecs.BOM_UTF8).decode(errors="backslashreplace")
    yield from (line.decode(errors="backslashreplace") for line in stream)
