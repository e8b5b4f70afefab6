"""The doctor's look at what the parts of a fleet must agree on: nginx in front, one secret."""

import httpx

from runtime.settings import MIN_SECRET_BYTES, Settings
from vasset.findings import Finding, well, wrong

_PLACE = "/_vasset/whole/doctor"
"""Of deploy/nginx, and internal: nginx itself refuses who asks for it."""

_TIMEOUT_S = 5


async def offload(settings: Settings) -> Finding:
    """Return whether what sends the files is there: asked as clients ask, by the public address."""
    part, public = "offload", settings.server.public_url.rstrip("/")
    if settings.delivery.offload == "none":
        return well(part, "none: the web process sends the files itself")
    if not public:
        return well(part, "x-accel; nginx is not looked at, for server.public_url is empty")
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as http:
            answer = await http.get(f"{public}{_PLACE}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        text = f"{public} cannot be asked ({type(error).__name__})"
        return wrong(part, text, "start nginx, or correct server.public_url")
    if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return wrong(
            part,
            f"{public} hands {_PLACE} to the web process: files would arrive empty",
            "put deploy/nginx in front, or set delivery.offload to 'none'",
        )
    return well(part, f"x-accel, by what answers at {public}")


def secret(settings: Settings) -> Finding:
    """Return whether this process could sign webhooks and open what is sealed in the rows."""
    if len(settings.auth.secret.get_secret_value().encode()) >= MIN_SECRET_BYTES:
        return well("secret", "auth.secret is set; it must be the same on every machine")
    return wrong(
        "secret",
        "auth.secret is not set: no token is judged, no webhook signed, no cookie opened",
        f"set the same {MIN_SECRET_BYTES} bytes or more for web and workers",
    )
