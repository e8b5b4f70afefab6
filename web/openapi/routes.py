"""The page at /docs: Swagger UI from its wheel, so that no browser asks a stranger for scripts."""

import json
from collections.abc import Callable
from functools import cache
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from quart import Blueprint, Response, current_app

from web.front import front
from web.openapi.document import document
from web.openapi.older import as_3_0
from web.openapi.operations import HTML, Operation, operation
from web.problems import Code, ProblemError
from web.shapes import DocumentShown

FILES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}

_CSP = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    # Swagger UI writes style attributes.
    "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>V-Asset API</title>
<link rel="stylesheet" href="{base}/docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="{base}/docs/swagger-ui-bundle.js"></script>
<script src="{base}/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  dom_id: "#page",
  url: "{base}/docs/openapi-3.0.json",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
@operation(Operation(tag="docs", answers={200: DocumentShown}, is_public=True, needs_records=False))
async def openapi() -> Response:
    """Return this document."""
    return _built("openapi", _document)


@blueprint.get("/docs")
@operation(Operation(tag="docs", answers={200: HTML}, is_public=True, needs_records=False))
async def page() -> Response:
    """Return a page on which the API can be read and tried."""
    headers = {"Content-Security-Policy": _CSP}
    return Response(_with_base(_PAGE), 200, headers, content_type="text/html; charset=utf-8")


@blueprint.get("/docs/<name>")
async def part(name: str) -> Response:
    """Return a file of the page."""
    if name == "start.js":
        return Response(_with_base(_START), 200, content_type="text/javascript; charset=utf-8")
    if name == "openapi-3.0.json":
        return _built("openapi-3.0", lambda: as_3_0(_document()))
    if name not in FILES:
        raise ProblemError(404, Code.NOT_FOUND, "There is nothing at this address.")
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(_file(name), 200, headers, content_type=FILES[name])


def _with_base(text: str) -> str:
    return text.replace("{base}", escape(front().settings.server.base_path))


def _document() -> dict[str, Any]:
    return document(current_app, front().settings.server.base_path)


def _built(name: str, build: Callable[[], object]) -> Response:
    """Return a document of this app, built only once: each build blocks the loop for 40 ms."""
    kept = current_app.extensions.setdefault("vasset.documents", {})
    if name not in kept:
        kept[name] = json.dumps(build())
    return Response(kept[name], 200, content_type="application/json")


@cache
def _file(name: str) -> bytes:
    vendor: Traversable = resources.files("swagger_ui_bundle") / "vendor"
    folder = next(f for f in vendor.iterdir() if f.name.startswith("swagger-ui"))
    return (folder / name).read_bytes()
