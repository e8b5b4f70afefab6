"""The routes of the page's files."""

import hashlib
from functools import cache
from html import escape

from quart import Blueprint, Response, request

from runtime.settings import Settings
from web.front import front
from web.openapi.operations import HTML, Operation, operation
from web.page.files import SHELL, PageFile, made, page_files
from web.problems import Code, ProblemError

# No code, style or picture but our own, and none made from texts: titles come from strangers.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# How the names of modules begin that the first view does without, or that are one of several.
_LATER = (
    *("accounts", "admin", "charts", "keys", "nodes", "password", "settings"),
    *("webhooklog", "webhooks", "words."),
)
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
@operation(
    Operation(tag="page", answers={200: HTML, 304: None}, is_public=True, needs_records=False)
)
async def page() -> Response:
    """Return the page."""
    file, etag = _shell(front().settings)
    headers = {
        "Content-Security-Policy": CSP,
        "ETag": etag,
        "Cache-Control": _ASK_EACH_TIME,
    }
    if etag.strip('"') in request.if_none_match:
        return Response(None, 304, headers)
    return _sent(file, headers)


@blueprint.get("/page/<digest>/<name>")
async def part(digest: str, name: str) -> Response:
    """Return a file of the page, if it is still of this version."""
    files = page_files()
    if digest != files.digest or name not in files.by_name or name == SHELL:
        raise ProblemError(404, Code.NOT_FOUND, "There is nothing at this address.")
    return _sent(files.by_name[name], {"Cache-Control": _FOR_GOOD})


def _sent(file: PageFile, headers: dict[str, str]) -> Response:
    headers |= {"Vary": "Accept-Encoding"}
    if request.accept_encodings["gzip"]:
        headers |= {"Content-Encoding": "gzip"}
        return Response(file.packed, 200, headers, content_type=file.content_type)
    return Response(file.content, 200, headers, content_type=file.content_type)


@cache
def _shell_with(names: tuple[tuple[str, str], ...]) -> tuple[PageFile, str]:
    files = page_files()
    text = files.by_name[SHELL].content.decode()
    modules = "\n".join(
        f'<link rel="modulepreload" href="{{base}}/page/{files.digest}/{name}">'
        for name in files.by_name
        if name.endswith(".js") and not name.startswith(_LATER)
    )
    text = text.replace("{modules}", modules)
    for name, value in (("digest", files.digest), *names):
        text = text.replace(f"{{{name}}}", escape(value))
    content = text.encode()
    return made(SHELL, content), f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _shell(settings: Settings) -> tuple[PageFile, str]:
    """Return the page with what of the settings it must know before anybody signs in."""
    return _shell_with(
        (
            ("quick_ttl_h", str(settings.downloads.quick_ttl_h)),
            ("max_entries", str(settings.downloads.max_playlist_entries)),
            ("registration", settings.auth.registration),
            ("base", settings.server.base_path),
        )
    )
