"""Methods: 405 where a path of its own would be taken for an id, with what it does know."""

from quart import Quart, request
from werkzeug.exceptions import MethodNotAllowed


def install(app: Quart) -> None:
    """Judge the method of every path without a placeholder by that path's routes alone.

    ``/download/file-ticket`` also fits ``/download/<history_id>``, which would answer a GET there
    with a fault of the id, and lend its methods to ``Allow``.
    """
    known: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if "<" not in rule.rule and not rule.websocket:
            known.setdefault(rule.rule, set()).update(rule.methods or ())

    async def judge() -> None:
        methods = known.get(request.path)
        if methods is not None and request.method not in methods:
            raise MethodNotAllowed(valid_methods=sorted(methods))

    app.before_request(judge)
