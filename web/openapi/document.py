"""The OpenAPI document, built from the routes that exist and what stands beside them.

Not by quart-schema: its documents can say neither an answer without a body, nor one that is not
JSON, nor that a body is required, nor HEAD, and it takes over how the app makes every response.
Source: docs/decisions/0007-openapi.md.
"""

import inspect
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from quart import Quart
from werkzeug.routing import Rule

from web.fields import MAX_ID
from web.openapi.examples.asked import BODIES, QUERIES
from web.openapi.examples.problems import PROBLEMS
from web.openapi.examples.shown import ANSWERS
from web.openapi.operations import OPERATIONS, Answer, Operation
from web.problems import MEDIA_TYPE
from web.repeats import HEADER, MAX_KEY
from web.shapes import ProblemShown

VERSION = "3.1.0"
ABOUT = "Fetches videos, keeps them, and streams them back to their owner."
SOCKET = """
The WebSocket `/api/v1/ws/progress` tells how far each download of the caller is. It is opened by
the subprotocols `bearer` and an access token or key, or by `?ticket=` from `POST /auth/ws-ticket`;
never by a token in the address. The first message is a `snapshot` of all that is queued or
running, then come `state` and `progress`, each with a `seq` that never falls.

After a break `?since=` and the last `seq` go on: what was missed is told, or a new snapshot, which
takes the place of all that was known. So is a number that is too old or none of ours answered.

A socket is closed with 4401 (token or ticket), 4403 (origin), 4429 (too many sockets), 1008
(chatter, or it reads too slowly), 1013 (try again later).
"""
_REF = "#/components/schemas/{model}"
_ALWAYS = (414, 431)
_PLACE = re.compile(r"<(\w+)>")
_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_KEY: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key and body give the same answer for a day, and nothing twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
}
_EXAMPLES: dict[type[BaseModel], BaseModel] = {
    type(example): example for example in (*BODIES, *ANSWERS)
}


def document(app: Quart, base_path: str = "") -> dict[str, Any]:
    """Return the document of every declared route.

    Args:
        base_path: Under which clients find the paths; without a slash at its end.
    """
    paths: dict[str, dict[str, Any]] = {}
    for rule, declared in declared_rules(app):
        path = _PLACE.sub(r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            described = _operation(app, rule, method, declared)
            paths.setdefault(path, {})[method.lower()] = described
    return {
        "openapi": VERSION,
        "info": {
            "title": "V-Asset",
            "version": "1",
            "description": f"{ABOUT}\n{SOCKET}",
        },
        "servers": [{"url": base_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token, or a personal API key (`vst_...`).",
                },
                "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
            },
        },
    }


def declared_rules(app: Quart) -> Iterator[tuple[Rule, Operation]]:
    """Yield each route that is declared, with its declaration."""
    for rule in app.url_map.iter_rules():
        declared = OPERATIONS.get(app.view_functions[rule.endpoint])
        if declared is not None and not rule.websocket:
            yield rule, declared


def statuses(rule: Rule, declared: Operation) -> set[int]:
    """Return every status below 500, and 503, that a route may answer a well-routed request."""
    problems = {*_ALWAYS, *declared.problems}
    if not declared.is_public:
        # 403: a personal API key that does not open it.
        problems |= {401, 403}
    if declared.body is not None:
        problems |= {400, 408, 413, 415, 422}
    if declared.query is not None:
        problems |= {400, 422}
    if "<" in rule.rule:
        problems.add(422)
    if declared.needs_records:
        problems.add(503)
    return problems | set(declared.answers)


def _operation(app: Quart, rule: Rule, method: str, declared: Operation) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    described: dict[str, Any] = {
        "operationId": f"{method.lower()}_{rule.endpoint.replace('.', '_')}",
        "summary": (inspect.getdoc(view) or "").partition("\n")[0],
        "tags": [declared.tag],
        "parameters": [
            *_path_parameters(rule),
            *_query_parameters(declared.query),
            *([_KEY] if declared.takes_key else ()),
        ],
        "responses": {
            str(status): _answer(status, declared, is_bare=method == "HEAD")
            for status in sorted(statuses(rule, declared))
        },
    }
    if declared.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": _content(declared.body)},
        }
    if not declared.is_public:
        ways = ("bearer", "ticket") if declared.takes_ticket else ("bearer",)
        described["security"] = [{way: []} for way in ways]
    return described


def _answer(status: int, declared: Operation, *, is_bare: bool) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    shown: Answer = declared.answers.get(status, ProblemShown)
    if shown is None or is_bare:
        return described
    if isinstance(shown, str):
        described["content"] = {shown: {"schema": {"type": "string", "format": "binary"}}}
        return described
    if status in declared.answers:
        described["content"] = {"application/json": _content(shown)}
    else:
        described["content"] = {MEDIA_TYPE: _content(ProblemShown, PROBLEMS.get(status))}
    return described


def _content(shape: type[BaseModel], example: BaseModel | None = None) -> dict[str, Any]:
    described: dict[str, Any] = {"schema": {"$ref": _REF.format(model=shape.__name__)}}
    if (example := example or _EXAMPLES.get(shape)) is not None:
        described["example"] = example.model_dump(mode="json", exclude_unset=True)
    return described


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _ID_SCHEMA}
        for name in _PLACE.findall(rule.rule)
    ]


def _query_parameters(shape: type[BaseModel] | None) -> list[dict[str, Any]]:
    if shape is None:
        return []
    schema = shape.model_json_schema()
    required, examples = schema.get("required", []), QUERIES.get(shape, {})
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        | ({"example": examples[name]} if name in examples else {})
        for name, described in schema["properties"].items()
    ]


def _schemas() -> dict[str, Any]:
    """Return the schema of every shape that a declaration names."""
    asked = {declared.body for declared in OPERATIONS.values() if declared.body is not None}
    shown = {
        answer
        for declared in OPERATIONS.values()
        for answer in declared.answers.values()
        if isinstance(answer, type)
    }
    by_name = {shape.__name__: shape for shape in {*asked, *shown, ProblemShown}}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (by_name[name], "validation" if by_name[name] in asked else "serialization")
        for name in sorted(by_name)
    ]
    return models_json_schema(modes, ref_template=_REF)[1]["$defs"]
