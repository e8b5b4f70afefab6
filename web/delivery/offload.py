"""Offload: nginx sends the bytes of what the program has judged (``offload = "x-accel"``).

Source: deploy/nginx/; nginx's own documentation of X-Accel-Redirect.
"""

from quart import Response, request

from storage.assets import KeptAsset
from storage.deliveries import Outcome
from web.delivery.orders import Order
from web.delivery.ranges import Span
from web.front import front

_WHOLE = "/_vasset/whole"
_PART = "/_vasset/part"
"""The two internal places of the configuration: nginx must not judge the range once more."""


def is_on() -> bool:
    """Return whether nginx sends the files."""
    return front().settings.delivery.offload == "x-accel"


def hand_over(response: Response, order: Order, asset: KeptAsset, span: Span | None) -> None:
    """Let nginx send the file of this answer; the path is made of ids alone."""
    files = front().services.files
    path = files.path_of(asset).relative_to(files.root).as_posix()
    place = _WHOLE if span is None else _PART
    response.status_code = 200
    for name in ("Content-Length", "Content-Range"):
        response.headers.pop(name, None)
    response.headers["X-Accel-Redirect"] = f"{place}/{path}"
    # What nginx counts connections by.
    response.headers["X-Vasset-User"] = str(order.user.user_id)
    # Whose files an nginx in front of several nodes is to send.
    response.headers["X-Vasset-Node"] = front().settings.storage.node
    if request.method != "HEAD":
        length = asset.digest.size_bytes if span is None else span.length
        front().desk.tallies.count(Outcome.OFFLOADED, [(asset.history_id, length)])
