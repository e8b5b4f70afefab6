"""Answers: the heads under which files go out."""

import base64
from http import HTTPStatus

from quart import Response

from storage.assets import KeptAsset
from web.delivery.dispositions import attachment
from web.delivery.ranges import Refusal, Span
from web.openapi.operations import BINARY
from web.problems import Code, ProblemError

PRIVATE = {"Cache-Control": "private, no-store", "Vary": "Authorization"}
"""On every answer of delivery: what is one user's must not be kept for another."""

_NO_TIMEOUT = None
"""Quart would cut the body off after a minute."""


def etag_of(asset: KeptAsset) -> str:
    """Return the strong tag of a file: its MD5, the same on every node."""
    return f'"{asset.digest.md5}"'


def file_answer(asset: KeptAsset, span: Span | None) -> Response:
    """Return the head of a file's answer, 206 for a part of it; the body follows past the app."""
    size = asset.digest.size_bytes
    headers = {
        **PRIVATE,
        "Accept-Ranges": "bytes",
        "Content-Disposition": attachment(asset.file_name),
        "Content-Length": str(size if span is None else span.length),
        # A page in a file must not become a page of ours.
        "Content-Security-Policy": "sandbox",
        "ETag": etag_of(asset),
        "Repr-Digest": f"md5=:{base64.b64encode(bytes.fromhex(asset.digest.md5)).decode()}:",
    }
    if span is not None:
        headers["Content-Range"] = span.content_range(size)
    return bodiless(200 if span is None else 206, headers, content_type=BINARY)


def refused(asset: KeptAsset, refusal: Refusal) -> Response:
    """Return the answer to a request whose conditions or range leave no body to be sent.

    Raises:
        ProblemError: 412 or 416.
    """
    match refusal:
        case Refusal.NOT_MODIFIED:
            return bodiless(304, {**PRIVATE, "ETag": etag_of(asset)})
        case Refusal.PRECONDITION_FAILED:
            raise ProblemError(412, Code.CONFLICT, "The file is another one than you expect.")
        case Refusal.UNSATISFIABLE:
            raise ProblemError(
                416,
                Code.INVALID_REQUEST,
                "The file has no such part.",
                headers={
                    "Accept-Ranges": "bytes",
                    "Content-Range": f"bytes */{asset.digest.size_bytes}",
                },
            )


def bodiless(status: int, headers: dict[str, str], *, content_type: str = BINARY) -> Response:
    """Return an answer to which the app adds no body."""
    response = Response(b"", status, content_type=content_type)
    response.headers.update(headers)
    if status == HTTPStatus.NOT_MODIFIED:
        # Those of the file would be right here, and no others. Source: RFC 9110, 8.6.
        del response.headers["Content-Length"], response.headers["Content-Type"]
    response.timeout = _NO_TIMEOUT
    return response
